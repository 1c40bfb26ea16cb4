// Garbage, truncated and oversized datagrams on the media port: from strangers, and from an
// address that has passed a check and so may speak.

import assert from 'node:assert/strict';
import {attack, dropped, join, seeded, shooter} from './rig.mjs';
import {check} from './stunmsg.mjs';

function* garbage(seed, rounds) {
  const chance = seeded(seed), pool = Buffer.from(Array.from({length: 1 << 16}, () => chance(256)));
  for (let round = 0; round < rounds; round++)
    for (let first = 0; first < 256; first++) {
      const at = chance(60000), d = Buffer.from(pool.subarray(at, at + chance(2001)));
      if (d.length) d[0] = first;
      yield d;
    }
}

function* cut(whole) {
  for (let n = 0; n < whole.length; n++) yield whole.subarray(0, n);
}

// A DTLS record with a ClientHello in it, as far as its first fields.
export const hello = Buffer.concat([Buffer.from('16fefd0000000000000000002e01000022000000000000002' +
  '2fefd', 'hex'), Buffer.alloc(32, 3)]);

export default async function ({server, beside, test}) {
  await test('garbage from strangers: every first octet, 0 to 2000 octets', () => attack({server, beside},
    {counters: [dropped('malformed'), dropped('stray'), dropped('stray_dtls'), dropped('too_long')]}, async () => {
      const s = await shooter(server);
      await s.sendAll(garbage(1, 20));
      await s.sendAll([9000, 20000, 65507].map(n => Buffer.alloc(n, 0x80)));
      assert.equal(s.answers.length, 0);
      s.close();
    }));

  await test('garbage from an address that passed a check', () => attack({server, beside},
    {counters: [dropped('malformed'), dropped('srtp_early'), ['sluice_dtls_dropped_total', {reason: 'unasked'}]]}, async () => {
      const session = await join(server, 'whip', 'garbage'), s = await shooter(server);
      await s.send(check(session));
      await s.sendAll(garbage(2, 20));
      await session.leave();
      s.close();
    }));

  await test('STUN and DTLS cut off at every octet', () => attack({server, beside},
    {counters: [dropped('malformed')]}, async () => {
      const session = await join(server, 'whip', 'cut'), s = await shooter(server);
      await s.sendAll(cut(check(session)));
      assert.equal(s.answers.length, 0);
      await s.send(check(session));
      for (let i = 0; i < 10; i++) await s.sendAll(cut(hello));
      await session.leave();
      s.close();
    }));
}
