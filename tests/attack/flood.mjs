// Of what is dear, one address gets so much and no more; others get theirs.

import assert from 'node:assert/strict';
import {attack, join, offer, refused, request, tokenFor} from './rig.mjs';

const TOO_MANY = ['sluice_requests_refused_total', {problem: 'too-many'}];
const FRAGMENT = {'content-type': 'application/trickle-ice-sdpfrag'};
const fragment = (s, candidates) => ['a=group:BUNDLE 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:0', 'a=ice-ufrag:them',
  'a=ice-pwd:thempasswordthempassword', ...candidates].join('\r\n') + '\r\n';
const NAMES = ['192.0.2.1', '127.0.0.1', '0.0.0.0', '169.254.169.254', '10.0.0.1', '::1', 'fe80::1', '::ffff:127.0.0.1',
  'b7f2c1d0-0000-4000-8000-000000000000.local', 'example.org', 'x'.repeat(200)];
const candidates = n => Array.from({length: n}, (_, i) =>
  `a=candidate:${i} 1 udp ${i} ${NAMES[i % NAMES.length]} ${i % 65536} typ host`);

export default async function ({server, beside, test}) {
  const token = await tokenFor(server);

  await test('one address joins 400 times', () => attack({server, beside}, {counters: [TOO_MANY], tolerance: 16}, async () => {
    const took = [], limited = [];
    for (let i = 0; i < 400; i += 20)
      for (const res of await Promise.all(Array.from({length: 20}, (_, k) => request(server, 'POST', `/whip/room/s${i + k}`,
        {token, body: offer(), from: '127.12.0.1'})))) (res.status === 201 ? took : limited).push(res);
    assert.ok(took.length >= 100 && took.length < 200, `${took.length} were let in`);
    for (const res of limited) {
      refused(res, 429, 'too-many');
      assert.match(res.headers['retry-after'], /^[1-9]\d*$/);
    }
    const other = await join(server, 'whip', 'room', {from: '127.12.0.2'});
    for (const res of took) await request(server, 'DELETE', res.headers.location, {from: '127.12.0.1'});
    await other.leave();
  }));

  await test('one session is changed 400 times', () => attack({server, beside}, {counters: [TOO_MANY]}, async () => {
    const s = await join(server, 'whip', 'room', {from: '127.12.1.1'});
    const seen = {};
    for (let i = 0; i < 400; i++) {
      const res = await request(server, 'PATCH', s.location, {from: '127.12.1.1', headers: {...FRAGMENT, 'if-match': s.etag},
        body: fragment(s, candidates(1))});
      seen[res.status] = (seen[res.status] ?? 0) + 1;
      if (res.status !== 204) refused(res, 429, 'too-many');
    }
    assert.ok(seen[204] >= 100 && seen[429] >= 100, JSON.stringify(seen));
    await s.leave();
  }));

  await test('10 000 candidates, to ports and names of all kinds', () => attack({server, beside},
    {counters: [['sluice_http_bodies_too_large_total', {face: 'public'}]]}, async () => {
    const s = await join(server, 'whip', 'room', {from: '127.12.2.1'}), seen = {};
    for (const n of [1, 100, 1000, 2000, 10000])
      for (let i = 0; i < (n === 1000 ? 10 : 1); i++) {
        const res = await request(server, 'PATCH', s.location, {from: '127.12.2.1', headers: {...FRAGMENT, 'if-match': s.etag},
          body: fragment(s, candidates(n))});
        assert.ok([204, 400, 413, 422].includes(res.status), `${n}: ${res.status} ${res.text}`);
        assert.ok(res.status === 204 || res.problem, res.text);
        seen[n] = res.status;
      }
    assert.equal(seen[1], 204);
    assert.equal(seen[10000], 413);
    await s.leave();
    return seen;
  }));

  await test('1000 sessions that there are not', () => attack({server, beside},
    {counters: [['sluice_requests_refused_total', {problem: 'session'}]]}, async () => {
      for (let i = 0; i < 1000; i += 20)
        await Promise.all(Array.from({length: 20}, async (_, k) => {
          const path = `/session/${(i + k).toString(16).padStart(48, '0')}`;
          refused(await request(server, k % 2 ? 'DELETE' : 'PATCH', path, {from: `127.12.3.${k + 1}`,
            ...(k % 2 ? {} : {headers: {...FRAGMENT, 'if-match': '*'}, body: fragment({}, [])})}), 404, 'session');
        }));
    }));
}
