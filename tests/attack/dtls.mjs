// DTLS from those who passed no check, and from very many who did.

import assert from 'node:assert/strict';
import {attack, attend, dropped, innocents, join, participant, relay, shooter, sleep, until} from './rig.mjs';
import {check} from './stunmsg.mjs';

const FATAL = Buffer.from('15fefd000000000000000000020228', 'hex'); // handshake_failure
const GOODBYE = Buffer.from('15fefd000000000000000000020100', 'hex'); // close_notify
const DATA = Buffer.from('17fefd00000000000000000004deadbeef', 'hex'); // of epoch 0: in plain

const isDtls = d => d[0] >= 20 && d[0] <= 63;

// A true client's first flight.
async function firstFlight(server) {
  const between = await relay(server), flight = [];
  between.up = d => isDtls(d) ? (flight.push(d), []) : [d];
  const p = await participant('whip');
  p.session = await join(server, 'whip', 'hello', {print: p.print});
  p.connect(p.session, '127.0.0.1', between.port);
  await until('a hello', () => ({ok: flight.length > 0}));
  await p.session.leave();
  await p.vanish();
  between.close();
  return flight.slice(0, 1);
}

export default async function ({server, beside, test}) {
  const [hello] = await firstFlight(server);

  await test('hellos and alerts from strangers, before and beside the true client', () => attack({server, beside},
    {counters: [dropped('stray_dtls')]}, async () => {
      const p = await participant('whip');
      p.session = await join(server, 'whip', 'race', {print: p.print});
      const all = await Promise.all(Array.from({length: 20}, (_, i) => shooter(server, {from: `127.5.0.${i + 1}`})));
      const shoot = async () => {
        for (const s of all) for (const d of [hello, FATAL, GOODBYE, DATA]) await s.send(d);
      };
      for (let i = 0; i < 10; i++) await shoot();
      p.connect(p.session, '127.0.0.1', server.rtc);
      const up = p.up();
      for (let i = 0; i < 50 && !p.seen?.up; i++) {
        await shoot();
        await sleep(2);
      }
      await up;
      for (let i = 0; i < 10; i++) await shoot();
      assert.equal(all.reduce((n, s) => n + s.answers.length, 0), 0, 'a stranger was answered');
      assert.ok((await p.look()).up);
      await p.leave();
      all.forEach(s => s.close());
    }));

  // Whoever can write in the client's name still has no keys.
  await test('alerts, hellos and data in plain, from the address of a live session', async () => {
    const between = await relay(server);
    const both = await innocents(server, 'plain', {via: between.port});
    await attack({server, beside}, {counters: [['sluice_dtls_dropped_total', {reason: 'ignored'}]]}, async () => {
      await both.mark();
      for (let i = 0; i < 50; i++) {
        for (const d of [hello, FATAL, GOODBYE, DATA]) await between.send(d);
        await sleep(10);
      }
      await both.unharmed();
    });
    await both.leave();
    between.close();
  });

  const crowd = async (n, from) => {
    const sessions = [];
    while (sessions.length < n)
      sessions.push(...await Promise.all(Array.from({length: 40}, (_, i) =>
        join(server, 'whip', `flood-${sessions.length + i}`, {from: `${from}.${1 + i % 8}`}))));
    return Promise.all(sessions.map(async session => {
      const s = await shooter(server);
      await s.send(check(session));
      await until('an answer', () => ({ok: s.answers.length > 0}));
      return {session, s, close: () => (s.close(), session.leave())};
    }));
  };

  await test('a flood of hellos from 240 addresses that passed a check', async () => {
    // What the allocators keep of it once is not a leak; what they keep each time would be.
    const warm = await crowd(240, '127.6.0');
    for (const c of warm) await c.s.send(hello);
    await Promise.all(warm.map(c => c.close()));
    return attack({server, beside}, {tolerance: 16, counters: [
      ['sluice_dtls_dropped_total', {reason: 'over_rate'}], ['sluice_dtls_handshakes_begun_total', {}]]}, async () => {
      const all = await crowd(240, '127.7.0');
      for (let round = 0; round < 10; round++) all.forEach(c => c.s.send(hello));
      const p = await attend(server, 'whip', 'meanwhile'); // an honest one comes through
      await p.leave();
      await until('handshakes under way', async () => {
        const n = await server.count('sluice_dtls_handshakes_pending');
        return {ok: n > 0 && n <= 4096, value: n};
      });
      await Promise.all(all.map(c => c.close()));
      await until('no handshake under way', async () => {
        const n = await server.count('sluice_dtls_handshakes_pending');
        return {ok: n === 0, value: n};
      });
    });
  });
}
