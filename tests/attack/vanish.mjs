// A publisher and a viewer die without a word: consent ends (RFC 7675: 30 s), and after a
// grace of 15 s in which they might come back they are gone from everywhere.

import assert from 'node:assert/strict';
import {innocents, sleep} from './rig.mjs';
import {startServer} from '../browser/server.mjs';

const CONSENT = 30000, GRACE = 15000, TICKS = 6000; // metrics and timers come once a second

// On a server of its own, beside all other suites: it is the time that is looked at.
export default async function ({test}) {
  const server = await startServer({name: 'attack-vanish'});
  const both = await innocents(server, 'vanish');
  await Promise.all([both.pub.vanish(), both.view.vanish()]);
  const died = Date.now();
  await test('clients that died are gone when their time is over, and not before', async () => {
    const gauges = ['publishers', 'viewers', 'rooms', 'transports', 'producers', 'consumers'].map(g => `sluice_${g}`);
    const now = () => Promise.all(gauges.map(g => server.count(g)));
    const sent = async () => server.count('sluice_sent_datagrams_total');
    await sleep(CONSENT - 3000 - (Date.now() - died));
    assert.ok((await now()).every(n => n > 0), `gone too early: ${await now()}`);
    await sleep(CONSENT + TICKS - (Date.now() - died));
    const silent = await sent();
    await sleep(CONSENT + GRACE - 3000 - (Date.now() - died));
    assert.equal(await sent(), silent, 'it is still sent to');
    assert.ok((await now()).every(n => n > 0), `gone too early: ${await now()}`);
    for (;;) {
      const left = await now(), after = Date.now() - died;
      if (left.every(n => n === 0)) return `after ${(after / 1000).toFixed(0)} s`;
      assert.ok(after < CONSENT + GRACE + TICKS, `still there after ${after} ms: ${gauges.map((g, i) => `${g} ${left[i]}`)}`);
      await sleep(500);
    }
  });
  await test('and its server ends without a complaint', () => server.stop());
}
