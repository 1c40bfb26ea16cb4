// A viewer behind a slow link gets a smaller picture, which does not stand still; and the
// largest one once the link is fast. bench/quality measures the same, and more, exactly.

import assert from 'node:assert/strict';
import {startImpair} from './impair.mjs';
import {publisher, viewer} from './participants.mjs';
import {sleep, until} from './rig.mjs';

const SLOW = {down: {rate: 500, delay: 20}, up: {delay: 20}}, FAST = {down: {delay: 20}, up: {delay: 20}};
const WATCHED = 6000;

const height = async v => (await v.recorded()).frames.at(-1)?.[2];

export default async function ({server, browsers, test}) {
  const s = await server(), browser = await browsers('chromium');
  const p = await publisher(s, browser, {room: 'limited', camera: true, simulcast: true, codec: 'VP8', width: 1280, height: 720});
  await until('three layers on the way', async () => {
    const value = (await p.stats()).outbound.filter(x => x.kind === 'video' && x.framesEncoded > 40);
    return {value, ok: value.length === 3 && value.some(x => x.frameHeight === 720)};
  }, 30000);
  const relay = await startImpair({port: s.rtc, ...SLOW});
  const v = await viewer(s, browser, p, {via: relay, recorded: true});
  await test('a viewer on 500 kbit/s gets a small picture, and it moves', async () => {
    await until('a small picture', async () => {
      const value = await height(v);
      return {value, ok: value < 720};
    }, 15000);
    await sleep(WATCHED);
    const {frames} = await v.recorded(), end = frames.at(-1)[0], seen = frames.filter(f => f[0] > end - WATCHED);
    const longest = Math.max(...seen.slice(1).map((f, i) => f[0] - seen[i][0]));
    assert.ok(longest <= 1000, `${longest.toFixed(0)} ms without a frame`);
    assert.ok(seen.every(f => f[2] < 720), `heights ${[...new Set(seen.map(f => f[2]))]}`);
    return `${seen.at(-1)[2]} lines, ${longest.toFixed(0)} ms between frames at most`;
  });
  await test('once the link is fast, it gets the largest', async () => {
    const begun = Date.now();
    relay.set(FAST);
    await until('720 lines', async () => {
      const value = await height(v);
      return {value, ok: value === 720};
    }, 15000);
    return `after ${((Date.now() - begun) / 1000).toFixed(1)} s`;
  });
  await v.stop();
  await p.stop();
  relay.stop();
}
