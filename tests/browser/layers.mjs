// One stream of many layers: a viewer gets all of it, or what it names, and its picture does not
// stand still. What a slow link gets is measured by bench/quality.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';
import {inbound, sleep, until} from './rig.mjs';

const MODES = [
  {codec: 'VP9', scalabilityMode: 'L3T3_KEY'},
  {codec: 'VP9', scalabilityMode: 'L3T3'},
  {codec: 'AV1', scalabilityMode: 'L3T3'},
];
const WATCHED = 6000, FULL = 720;
const SIZED = 4000; // ms; a key frame is waited for

// What came over some time: frames a second, kbit/s, heights, and the longest wait for a frame.
async function watch(v, ms = WATCHED) {
  const before = (await inbound(v.page, v.key)).bytesReceived;
  await sleep(ms);
  const after = (await inbound(v.page, v.key)).bytesReceived;
  const {frames} = await v.recorded(), end = frames.at(-1)[0], seen = frames.filter(f => f[0] > end - ms);
  return {fps: seen.length * 1000 / ms, kbps: (after - before) * 8 / ms, heights: [...new Set(seen.map(f => f[2]))],
    longest: Math.max(...seen.slice(1).map((f, i) => f[0] - seen[i][0]))};
}

const say = w => `${w.heights.join(' ')} lines, ${w.fps.toFixed(0)}/s, ${w.kbps.toFixed(0)} kbit/s`;

export default async function ({server, browsers, test}) {
  const s = await server(), browser = await browsers('chromium');
  for (const {codec, scalabilityMode} of MODES) {
    const p = await publisher(s, browser, {room: 'layers', camera: true, codec, width: 1280, height: FULL,
      encodings: [{scalabilityMode, maxBitrate: 1_500_000}]});
    const v = await viewer(s, browser, p, {recorded: true});
    let fast;
    await test(`${codec} ${scalabilityMode} is seen in full`, async () => {
      await until(`${FULL} lines`, async () => {
        const value = (await v.recorded()).frames.at(-1)?.[2];
        return {value, ok: value === FULL};
      }, 40000);
      fast = await watch(v);
      assert.ok(fast.longest <= 1000, `${fast.longest.toFixed(0)} ms without a frame`);
      return say(fast);
    });
    await test(`${codec} ${scalabilityMode}: each size is there for who names it`, async () => {
      const took = [];
      for (const spatial of [0, 1, 2, 1, 0]) {
        took.push(Math.round(await v.wishFor({maxSpatialLayerId: spatial}, FULL >> (2 - spatial))));
        assert.ok(took.at(-1) <= SIZED, `${took.at(-1)} ms to ${FULL >> (2 - spatial)} lines`);
      }
      return `after ${took.join(', ')} ms`;
    });
    await test(`${codec} ${scalabilityMode}: and each rate, at once`, async () => {
      const seen = [];
      for (const [temporal, share] of [[0, 1 / 4], [1, 1 / 2], [2, 1]]) {
        await v.wish({maxTemporalLayerId: temporal});
        await until(`the share ${share} of all frames`, async () => {
          const value = (await watch(v, 2000)).fps / fast.fps;
          return {value, ok: Math.abs(value - share) <= share / 4};
        }, 15000);
        seen.push(await watch(v, 3000));
        assert.ok(seen.at(-1).longest <= 1000, `${seen.at(-1).longest.toFixed(0)} ms without a frame`);
      }
      assert.ok(seen[0].kbps < seen[2].kbps, 'less for fewer frames');
      return seen.map(w => `${w.fps.toFixed(1)}/s`).join(', ');
    });
    await v.stop();
    await p.stop();
  }
}
