// Sound: a room of more voices than a viewer has slots for, and a network that loses packets.

import assert from 'node:assert/strict';
import {startImpair} from './impair.mjs';
import {publisher, viewer} from './participants.mjs';
import {call, hears, inbound, sleep} from './rig.mjs';

const VOICES = [440, 1000, 1800];
const SWITCHED = 3000; // ms, of which one is the pause after which another may be heard

const between = (from, to) => Object.fromEntries(Object.keys(to).filter(k => typeof to[k] === 'number')
  .map(k => [k, to[k] - (from[k] ?? 0)]));
const ms = samples => Math.round(samples / 48);

async function voices({server, browsers, test}) {
  const s = await server(), browser = await browsers('chromium');
  const all = [];
  for (const frequency of VOICES) all.push(await publisher(s, browser, {room: 'voices', color: null, frequency}));
  for (const p of all) await call(p.page, 'speak', false);
  const page = await browser.page();
  await call(page, 'watch', 'ear', {url: `${s.origin}/whep/voices`, token: await s.token({room: 'voices', watch: true})});
  await call(page, 'connected', 'ear');
  let heard = 0;
  await test('whoever speaks takes the one slot of a viewer', async () => {
    const took = [];
    for (const i of [0, 1, 2, 0]) {
      await call(all[heard].page, 'speak', false);
      await call(all[i].page, 'speak', true);
      heard = i;
      const begun = Date.now();
      await hears(page, 'ear', VOICES[i], {absent: VOICES.filter((_, k) => k !== i), timeout: 10000});
      took.push(Date.now() - begun);
    }
    return `after ${took.join(', ')} ms`;
  });
  await test('who takes over is heard without a gap in the numbers, and without a click', async () => {
    const before = await inbound(page, 'ear', 'audio');
    await call(all[1].page, 'speak', true);
    await sleep(500);
    await call(all[0].page, 'speak', false);
    await sleep(SWITCHED);
    await hears(page, 'ear', VOICES[1], {absent: [VOICES[0], VOICES[2]]});
    const after = await inbound(page, 'ear', 'audio'), what = between(before, after);
    assert.equal(after.ssrc, before.ssrc);
    assert.equal(what.packetsLost, 0);
    assert.ok(what.packetsReceived >= 150, `${what.packetsReceived} packets`);
    assert.ok(what.concealedSamples <= 4800, `${ms(what.concealedSamples)} ms were made up`);
    return `${what.packetsReceived} packets, none lost, ${ms(what.concealedSamples)} ms of ${ms(what.totalSamplesReceived)} made up`;
  });
  await call(page, 'stop', 'ear');
  await page.close();
  for (const p of all) await p.stop();
}

async function redundancy({server, browsers, test}) {
  const s = await server(), browser = await browsers('chromium');
  const p = await publisher(s, browser, {room: 'red', color: null});
  const relay = await startImpair({port: s.rtc});
  const v = await viewer(s, browser, p, {via: relay});
  let once;
  await v.hears();
  await test('sound is sent once where nothing is lost', async () => {
    const before = await inbound(v.page, v.key, 'audio');
    await sleep(3000);
    const what = between(before, await inbound(v.page, v.key, 'audio'));
    once = what.bytesReceived / what.packetsReceived;
    return `${once.toFixed(0)} octets a packet`;
  });
  await test('and with what came before where a tenth is lost, of which hardly any is missed', async () => {
    relay.set({down: {loss: 0.1}});
    await sleep(6000); // until its reports say so
    const before = await inbound(v.page, v.key, 'audio');
    await sleep(10000);
    const what = between(before, await inbound(v.page, v.key, 'audio'));
    const lost = what.packetsLost / (what.packetsLost + what.packetsReceived);
    const missed = what.concealedSamples / what.totalSamplesReceived;
    assert.ok(lost > 0.03, `${(lost * 100).toFixed(1)} % lost`);
    const more = what.bytesReceived / what.packetsReceived / once;
    assert.ok(more > 1.7, `${more.toFixed(1)} times the octets`);
    assert.ok(missed < lost / 2, `${(missed * 100).toFixed(1)} % missed of ${(lost * 100).toFixed(1)} % lost`);
    return `${(lost * 100).toFixed(1)} % lost, ${(missed * 100).toFixed(1)} % missed, ${more.toFixed(1)} times the octets`;
  });
  await v.stop();
  await p.stop();
  relay.stop();
}

export default async function (run) {
  await voices(run);
  await redundancy(run);
}
