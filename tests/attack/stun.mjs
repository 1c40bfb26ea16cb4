// STUN that nobody vouches for: it gets no answer, changes nothing and costs little.

import assert from 'node:assert/strict';
import {attack, dropped, join, shooter, sleep, until} from './rig.mjs';
import {attribute, basics, check, codeOf, CONTROLLED, ERROR, FINGERPRINT, fingerprint, INDICATION, INTEGRITY, integrity,
  message, REQUEST, SOFTWARE, SUCCESS, typeOf, USERNAME} from './stunmsg.mjs';

// From 64 addresses, each with a port of its own.
async function crowd(server, f) {
  const all = await Promise.all(Array.from({length: 64}, (_, i) => shooter(server, {from: `127.1.0.${i + 1}`})));
  await f(all);
  assert.equal(all.reduce((n, s) => n + s.answers.length, 0), 0, 'somebody was answered');
  all.forEach(s => s.close());
}

// [name, datagram of (session), what comes back: 0 nothing, 1 success, otherwise the error]
const ROWS = [
  ['a check as browsers send it', s => check(s), 1],
  ['without FINGERPRINT', s => message(REQUEST, [...basics(s.ufrag), integrity(s.pwd)]), 1],
  ['an attribute that may be ignored', s => message(REQUEST,
    [...basics(s.ufrag), attribute(SOFTWARE, Buffer.from('x')), integrity(s.pwd), fingerprint]), 1],
  ['an attribute that must be understood', s => message(REQUEST,
    [...basics(s.ufrag), attribute(0x7abc, Buffer.from('xyz')), integrity(s.pwd), fingerprint]), 420],
  ['the same, from nobody', s => message(REQUEST,
    [...basics(s.ufrag), attribute(0x7abc, Buffer.from('xyz')), integrity('guessed'), fingerprint]), 0],
  ['it wants us to be controlling', s => message(REQUEST,
    [...basics(s.ufrag, CONTROLLED), integrity(s.pwd), fingerprint]), 487],
  ['MESSAGE-INTEGRITY of 16 octets', s => message(REQUEST, [...basics(s.ufrag), integrity(s.pwd, 16), fingerprint]), 0],
  ['MESSAGE-INTEGRITY of none', s => message(REQUEST, [...basics(s.ufrag), attribute(INTEGRITY), fingerprint]), 0],
  ['no MESSAGE-INTEGRITY', s => message(REQUEST, [...basics(s.ufrag), fingerprint]), 0],
  ['two MESSAGE-INTEGRITY, the first wrong', s => message(REQUEST,
    [...basics(s.ufrag), integrity('guessed'), integrity(s.pwd), fingerprint]), 0],
  ['a user name behind MESSAGE-INTEGRITY', s => message(REQUEST,
    [basics(s.ufrag)[1], integrity(s.pwd), attribute(USERNAME, Buffer.from(`${s.ufrag}:them`)), fingerprint]), 0],
  ['FINGERPRINT is not last', s => message(REQUEST,
    [...basics(s.ufrag), integrity(s.pwd), fingerprint, attribute(SOFTWARE, Buffer.from('x'))]), 0],
  ['FINGERPRINT is wrong', s => message(REQUEST,
    [...basics(s.ufrag), integrity(s.pwd), attribute(FINGERPRINT, Buffer.alloc(4))]), 0],
  ['an attribute ends behind the message', s => message(REQUEST,
    [attribute(USERNAME, Buffer.from(`${s.ufrag}:them`), 2000), integrity(s.pwd), fingerprint]), 0],
  ['a user name of 600 octets', s => message(REQUEST,
    [attribute(USERNAME, Buffer.from(`${s.ufrag}:${'x'.repeat(590)}`)), integrity(s.pwd), fingerprint]), 0],
  ['a user name without a colon', s => message(REQUEST,
    [attribute(USERNAME, Buffer.from(s.ufrag + 'x')), integrity(s.pwd), fingerprint]), 0],
  ['another session\'s password', s => message(REQUEST, [...basics(s.ufrag), integrity(s.other), fingerprint]), 0],
  ['an indication', s => message(INDICATION, [...basics(s.ufrag), integrity(s.pwd), fingerprint]), 0],
  ['a success response', s => message(SUCCESS, [...basics(s.ufrag), integrity(s.pwd), fingerprint]), 0],
  ['an error response', s => message(ERROR, [...basics(s.ufrag), integrity(s.pwd), fingerprint]), 0],
  ['TURN Allocate', s => message(0x0003, [...basics(s.ufrag), integrity(s.pwd), fingerprint]), 0],
  ['another magic cookie', s => {
    const d = check(s);
    d.writeUInt32BE(1, 4);
    return d;
  }, 0],
];

export default async function ({server, beside, test}) {
  await test('a flood of STUN for users that there are not', () => attack({server, beside},
    {counters: [dropped('stun_unknown')]}, () => crowd(server, async all => {
      for (let i = 0; i < 20000; i++) {
        const sent = all[i % all.length].send(check({ufrag: `user${i}`, pwd: 'guessed'}));
        if (i % 64 === 0) await sent;
      }
      await sleep(200);
    })));

  await test('a flood of STUN with wrong passwords', () => attack({server, beside},
    {counters: [dropped('stun_refused')]}, () => crowd(server, async all => {
      const s = await join(server, 'whip', 'guess');
      for (let i = 0; i < 20000; i++) {
        const sent = all[i % all.length].send(check({ufrag: s.ufrag, pwd: `guess ${i}`}));
        if (i % 64 === 0) await sent;
      }
      await sleep(200);
      await s.leave();
    })));

  await test('STUN in all forms that are wrong, and some that are right', () => attack({server, beside},
    {counters: [dropped('malformed'), dropped('stun_refused'), dropped('stun_unknown')]}, async () => {
      const s = await join(server, 'whip', 'forms'), o = await join(server, 'whip', 'others');
      s.other = o.pwd;
      for (const [name, make, want] of ROWS) {
        const from = await shooter(server), d = make(s);
        await from.send(d);
        if (want) await until(`an answer to ${name}`, () => ({ok: from.answers.length > 0}), 3000);
        else await sleep(20);
        const got = from.answers.map(a => typeOf(a) === SUCCESS ? 1 : codeOf(a));
        assert.deepEqual(got, want ? [want] : [], name);
        from.close();
      }
      await Promise.all([s.leave(), o.leave()]);
    }));

  // Whoever holds the credentials of a session may harm that one, and no other.
  await test('nomination flaps between 60 paths of one session', () => attack({server, beside},
    {counters: [['sluice_stun_answers_total', {}]]}, async () => {
      const s = await join(server, 'whip', 'flap');
      const all = await Promise.all(Array.from({length: 60}, () => shooter(server)));
      for (let i = 0; i < 6000; i++) {
        const sent = all[i * 7 % all.length].send(check(s, {nominate: i % 3 > 0}));
        if (i % 64 === 0) await sent;
      }
      await until('an answer to each', () => ({ok: all.every(a => a.answers.length > 0)}));
      all.forEach(a => a.close());
      await s.leave();
    }));
}
