// One stream of many layers: a viewer on a fast link gets all of it, and on a slow one a picture
// that is smaller or slower, and does not stand still.

import assert from 'node:assert/strict';
import {startImpair} from './impair.mjs';
import {publisher, viewer} from './participants.mjs';
import {inbound, sleep, until} from './rig.mjs';

const MODES = [
  {codec: 'VP9', scalabilityMode: 'L3T3_KEY'},
  {codec: 'VP9', scalabilityMode: 'L3T3'},
  {codec: 'AV1', scalabilityMode: 'L3T3'},
];
const WATCHED = 6000, FULL = 720;

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
    const relay = await startImpair({port: s.rtc});
    const v = await viewer(s, browser, p, {via: relay, recorded: true});
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
    await test(`${codec} ${scalabilityMode} gets smaller or slower on a slow link`, async () => {
      const rate = Math.max(100, fast.kbps * 0.6);
      relay.set({down: {rate}});
      const less = await until('less', async () => {
        const value = await watch(v, 3000);
        return {value, ok: value.heights.every(h => h < FULL) || value.fps < fast.fps * 0.7};
      }, 20000);
      const value = await watch(v);
      assert.ok(value.longest <= 1000, `${value.longest.toFixed(0)} ms without a frame`);
      assert.ok(value.kbps <= rate, `${say(value)} where there are ${rate.toFixed(0)}`);
      return say(less);
    });
    await v.stop();
    await p.stop();
    relay.stop();
  }
}
