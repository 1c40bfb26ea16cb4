// A server behind a NAT that lets in only what answers: it learns its address from a STUN server,
// tells that, and opens the way to each candidate of a peer. Three namespaces, joined by two
// cables; this needs root. The addresses are of the world, where no packet of this gets to.

import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';

const [SERVER, NAT, CLIENT] = ['s', 'n', 'c'].map(x => `sluice-${x}-nat-${process.pid}`);
const INSIDE = '10.77.0.2', OUTSIDE = '11.77.0.1', PEER = '11.77.0.2';
const run = (command, ...words) => execFileSync(command, words, {stdio: ['ignore', 'ignore', 'pipe']});
const ip = (...words) => run('ip', ...words);

function lay() {
  for (const ns of [SERVER, NAT, CLIENT]) ip('netns', 'add', ns);
  ip('-n', NAT, 'link', 'add', 'in', 'type', 'veth', 'peer', 'name', 'cable', 'netns', SERVER);
  ip('-n', NAT, 'link', 'add', 'out', 'type', 'veth', 'peer', 'name', 'cable', 'netns', CLIENT);
  for (const [ns, link, address] of [[SERVER, 'cable', `${INSIDE}/24`], [NAT, 'in', '10.77.0.1/24'],
    [NAT, 'out', `${OUTSIDE}/24`], [CLIENT, 'cable', `${PEER}/24`]]) {
    ip('-n', ns, 'address', 'add', address, 'dev', link);
    for (const l of ['lo', link]) ip('-n', ns, 'link', 'set', l, 'up');
  }
  ip('-n', SERVER, 'route', 'add', 'default', 'via', '10.77.0.1');
  ip('netns', 'exec', NAT, 'sysctl', '-q', 'net.ipv4.ip_forward=1');
  ip('netns', 'exec', NAT, 'iptables', '-t', 'nat', '-A', 'POSTROUTING', '-o', 'out', '-j', 'MASQUERADE');
  ip('netns', 'exec', NAT, 'iptables', '-A', 'INPUT', '-i', 'out', '-j', 'DROP');
}

const clear = () => [SERVER, NAT, CLIENT].forEach(ns => {
  try {
    ip('netns', 'delete', ns);
  } catch { /* it was not made */ }
});

const inside = () => new Promise((resolve, reject) => {
  const child = spawn('ip', ['netns', 'exec', SERVER, process.execPath,
    fileURLToPath(new URL('nat_inside.mjs', import.meta.url)), CLIENT, INSIDE, OUTSIDE, PEER],
  {stdio: ['ignore', 'pipe', 'inherit']});
  let text = '';
  child.stdout.on('data', d => text += d);
  child.on('error', reject).on('exit', code =>
    code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`exit status ${code}: ${text}`)));
});

export default async function ({test, skip}) {
  const name = 'a server behind a NAT is told of as the world sees it, and reached';
  if (process.getuid() !== 0) return skip(name, 'namespaces need root');
  process.on('exit', clear);
  try {
    lay();
  } catch (error) {
    clear();
    return skip(name, `no namespaces or no NAT here: ${error.message.split('\n').pop()}`);
  }
  try {
    await test(name, async () => {
      const {port, asked, candidates, announced, other, fragment} = await inside();
      assert.ok(asked.length > 0 && asked.every(a => a === `${OUTSIDE}:${port}`), `the STUN server was asked by ${asked}`);
      assert.deepEqual(candidates, [`udp ${OUTSIDE} ${port}`, `udp 127.0.0.1 ${port}`, `tcp ${OUTSIDE} ${port}`,
        `tcp 127.0.0.1 ${port}`]);
      assert.ok(announced > 0, 'no answer to a candidate of the offer');
      assert.ok(fragment > 0, 'no answer to a candidate that came later');
      assert.equal(other, 0, 'the NAT lets in everybody, so nothing was shown');
    });
  } finally {
    clear();
  }
}
