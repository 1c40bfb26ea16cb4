// Where a sample was taken: a part of a packet's way, by the kernel's functions on the stack, or by the
// file that our own code is in.

export const PARTS = [
  {name: 'kernel: sending', what: 'sendmmsg: UDP, IP, buffers, the copy', colour: '#1f4e79'},
  {name: 'kernel: delivery', what: 'to sockets on this machine; on a wire a card\u2019s work', colour: '#5b9bd5'},
  {name: 'kernel: receiving', what: 'recvmmsg', colour: '#7f6084'},
  {name: 'kernel: sleep, wake-ups', what: 'poll, nanosleep, being scheduled', colour: '#b58db6'},
  {name: 'kernel: the rest', what: 'interrupts, faults, entries', colour: '#c9c9c9'},
  {name: 'encryption', what: 'crypto: SRTP, both ways', colour: '#c55a11'},
  {name: 'choice and headers', what: 'router, consumer, batch', colour: '#e9a227'},
  {name: 'look-up, reception', what: 'landing, transport, producer', colour: '#70ad47'},
  {name: 'feedback, estimates', what: 'RTCP, transport-cc, what paths carry', colour: '#a9d18e'},
  {name: 'rounds', what: 'worker, timers, system-call preparation, clock', colour: '#8c7b6b'},
];

const KERNEL = [
  [/__sys_sendm?msg|__sys_sendmmsg/, stack => /net_rx_action|process_backlog|__netif_receive_skb/.test(stack) ? 1 : 0],
  [/__sys_recvmm?sg|recvmmsg/, () => 2],
  [/do_sys_poll|nanosleep|futex|schedule|eventfd/, () => 3],
  [/./, () => 4],
];

const OWN = [
  [/^src\/crypto\/|libcrypto/, 5],
  [/^src\/(sfu\/(feedback|estimate|share|ceiling|demand|limit|reception|hearing)|media\/(bwe|sentlog|trendline|aimd|ackrate|lossrate|probe|standing|brim|groups|stats|allocate|spare|ladder)|proto\/(rtcp|twcc|xr))/, 8],
  [/^src\/(sfu\/(router|consumer|audience|batch|delay|pick|pacer|redundancy)|media\/(seqmap|picmap|history|ddwrite|payload|vp8|vp9|av1|opus|h26.))/, 6],
  [/^src\/(sfu|media|proto|base\/(map|pkt|addr))/, 7],
  [/./, 9],
];

// stack: names of functions, the innermost first, "[k] " before the kernel's. file: of our innermost code,
// or the library.
export function partOf(stack, file) {
  if (stack[0].startsWith('[k] ')) {
    const text = stack.join(' ');
    return KERNEL.find(([rule]) => rule.test(text))[1](text);
  }
  return OWN.find(([rule]) => rule.test(file))[1];
}
