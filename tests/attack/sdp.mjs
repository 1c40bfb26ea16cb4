// Bodies that are no offers, or too much of one. Each is refused with the reason that
// docs/whip-whep.md promises, and leaves nothing behind.

import assert from 'node:assert/strict';
import {attack, offer, PT, refused, request, tokenFor} from './rig.mjs';

const section = i => [`m=audio 9 UDP/TLS/RTP/SAVPF ${PT}`, 'c=IN IP4 0.0.0.0', `a=mid:x${i}`, 'a=sendonly', 'a=rtcp-mux',
  'a=setup:actpass', `a=rtpmap:${PT} opus/48000/2`];
const many = n => Array.from({length: n}, (_, i) => i);
const replace = (from, to) => offer({change: lines =>
  lines.map(l => l === from || from instanceof RegExp && from.test(l) ? to : l)});
const add = (...more) => offer({change: lines => [...lines, ...more]});
const drop = start => offer({change: lines => lines.filter(l => !l.startsWith(start))});

// [name, body, status, type, code]
const ROWS = [
  ['1 MB of attributes', add(...many(20000).map(i => `a=x-filler:${'y'.repeat(40)}${i}`)), 413, 'too-large'],
  ['1 MB in one line', add(`a=x-filler:${'y'.repeat(1 << 20)}`), 413, 'too-large'],
  ['1000 m-sections', offer({change: l => [...l, ...many(1000).flatMap(section)]}), 400, 'sdp'],
  ['60 m-sections', offer({change: l => ['v=0', ...l.slice(1, 4), `a=group:BUNDLE 0 ${many(60).map(i => `x${i}`).join(' ')}`,
    ...l.slice(5), ...many(60).flatMap(section)]}), 422, 'offer', 'too-many-sections'],
  ['20 000 attributes', add(...many(20000).map(i => `a=x${i}`)), 400, 'sdp'],
  ['5000 payload types', replace(/^m=/, `m=audio 9 UDP/TLS/RTP/SAVPF ${many(5000).join(' ')}`), 400, 'sdp'],
  ['a payload type of 4294967407', replace(/^m=/, 'm=audio 9 UDP/TLS/RTP/SAVPF 4294967407'), 400, 'sdp'],
  ['a port of -1', replace(/^m=/, `m=audio -1 UDP/TLS/RTP/SAVPF ${PT}`), 400, 'sdp'],
  ['a port of 2^64', replace(/^m=/, `m=audio 18446744073709551616 UDP/TLS/RTP/SAVPF ${PT}`), 400, 'sdp'],
  ['an SSRC of 2^32', replace(/^a=ssrc/, 'a=ssrc:4294967296 cname:c'), 400, 'sdp'],
  ['a clock of -48000', replace(/^a=rtpmap/, `a=rtpmap:${PT} opus/-48000/2`), 400, 'sdp'],
  ['no line ends', offer().replaceAll('\r\n', ' '), 400, 'sdp'],
  ['carriage returns alone', offer().replaceAll('\r\n', '\r'), 400, 'sdp'],
  ['NUL in a line', replace('s=-', 's=\0'), 400, 'sdp'],
  ['a header hidden behind CR LF in a mid', replace('a=mid:0', 'a=mid:0\r\nSet-Cookie: x=1'), 400, 'sdp'],
  ['an empty line, then another offer', `${offer()}\r\n${offer()}`, 400, 'sdp'],
  ['no body but blanks', ' '.repeat(1000), 400, 'sdp'],
  ['binary', Buffer.from(many(1000).map(i => i * 7 % 256)), 400, 'sdp'],
  ['HTML', '<!doctype html><script>alert(1)</script>', 400, 'sdp'],
  ['no fingerprint', drop('a=fingerprint'), 422, 'offer', 'no-fingerprint'],
  ['a fingerprint of SHA-1', replace(/^a=fingerprint/, `a=fingerprint:sha-1 ${Array(20).fill('5A').join(':')}`),
    422, 'offer', 'no-fingerprint'],
  ['a fingerprint of 4000 octets', replace(/^a=fingerprint/, `a=fingerprint:sha-256 ${Array(4000).fill('5A').join(':')}`),
    400, 'sdp'],
  ['no ICE', drop('a=ice-'), 422, 'offer', 'no-ice'],
  ['a ufrag of 10 000 characters', replace(/^a=ice-ufrag/, `a=ice-ufrag:${'u'.repeat(10000)}`), 400, 'sdp'],
  ['both are ICE-lite', offer({change: l => [...l.slice(0, 4), 'a=ice-lite', ...l.slice(4)]}), 422, 'offer', 'both-ice-lite'],
  ['no rtcp-mux', drop('a=rtcp-mux'), 422, 'offer', 'no-rtcp-mux'],
  ['plain RTP', replace(/^m=/, `m=audio 9 RTP/AVP ${PT}`), 422, 'offer', 'bad-protocol'],
  ['setup:holdconn', replace('a=setup:actpass', 'a=setup:holdconn'), 422, 'offer', 'bad-setup'],
  ['the same mid twice', offer({change: l => [...l, ...section(0).map(x => x === 'a=mid:x0' ? 'a=mid:0' : x)]}), 400, 'sdp'],
  ['a mid of 10 000 characters', replace('a=mid:0', `a=mid:${'m'.repeat(10000)}`), null],
  ['100 rids', add('a=rtpmap:96 VP8/90000', ...many(100).map(i => `a=rid:r${i} send`),
    `a=simulcast:send ${many(100).map(i => `r${i}`).join(';')}`), null],
  ['an id of 999999 for a header extension', add('a=extmap:999999 urn:ietf:params:rtp-hdrext:sdes:mid'), null],
  ['10 000 candidates', add(...many(3000).map(i => `a=candidate:${i} 1 udp 1 10.0.0.1 ${i} typ host`)), null],
  ['a codec that nobody knows', replace(/^a=rtpmap/, `a=rtpmap:${PT} no-such/48000/2`), 422, 'offer', 'no-common-codec'],
];

export default async function ({server, beside, test}) {
  const token = await tokenFor(server);
  let from = 0;
  const post = (kind, body) => request(server, 'POST', `/${kind}/sdp/s`, {token, body, from: `127.8.0.${++from}`});

  await test(`${ROWS.length} offers that are not meant well`, () => attack({server, beside},
    {counters: [['sluice_requests_refused_total', {problem: 'sdp'}], ['sluice_requests_refused_total', {problem: 'offer'}],
      ['sluice_requests_refused_total', {problem: 'too-large'}]]}, async () => {
      for (const [name, body, status, type, code] of ROWS) {
        const res = await post('whip', body);
        if (status === null) { // to be taken as far as it makes sense, or refused as an offer
          if (res.status === 201) assert.equal((await request(server, 'DELETE', res.headers.location)).status, 200, name);
          else assert.ok([400, 413, 422].includes(res.status) && res.problem, `${name}: ${res.status} ${res.text}`);
          continue;
        }
        assert.equal(`${name}: ${res.status}`, `${name}: ${status}`);
        refused(res, status, type);
        if (code) assert.equal(res.problem.code, code, name);
        assert.ok(!res.headers['set-cookie'] && !res.text.includes('<script'), name);
      }
    }));

  await test('the same offers to watch by end no better', () => attack({server, beside},
    {counters: ['not-live', 'too-large'].map(problem => ['sluice_requests_refused_total', {problem}])}, async () => {
    for (const [name, body] of ROWS) {
      const res = await post('whep', body);
      assert.ok([400, 409, 413, 422].includes(res.status) && res.problem, `${name}: ${res.status} ${res.text}`);
    }
  }));
}
