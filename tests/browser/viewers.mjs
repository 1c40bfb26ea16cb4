// Twenty viewers of one publisher.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';
import {inbound, sleep} from './rig.mjs';

const VIEWERS = 20, LATE = 6;

export default async function ({server, browsers, test}) {
  const s = await server(), browser = await browsers('chromium');
  const p = await publisher(s, browser, {room: 'hall', color: 'blue', width: 320, height: 180, fps: 15});
  const page = await browser.page();
  const all = [];
  await test(`${VIEWERS} viewers see and hear one publisher`, async () => {
    for (let i = 0; i < VIEWERS; i++) all.push(await viewer(s, browser, p, {page, key: `v${i}`}));
    for (const v of all) await v.sees();
    await all[0].hears();
    await all.at(-1).hears();
  });
  await test('nobody loses a packet or waits for a frame', async () => {
    const before = await Promise.all(all.map(v => inbound(page, v.key)));
    await sleep(3000);
    const after = await Promise.all(all.map(v => inbound(page, v.key)));
    const frames = after.map((x, i) => x.framesDecoded - before[i].framesDecoded);
    assert.ok(Math.min(...frames) >= 20, `frames in 3 s: ${frames}`);
    assert.equal(after.reduce((n, x, i) => n + x.packetsLost - before[i].packetsLost, 0), 0, 'lost packets');
    return `${Math.min(...frames)} to ${Math.max(...frames)} frames in 3 s`;
  });
  await test('who comes just after another is shown the key frame that the other was', async () => {
    const made = async () => (await p.stats()).outbound.find(x => x.kind === 'video').keyFramesEncoded;
    await sleep(2000);
    const before = await made(), late = [];
    for (let i = 0; i < LATE; i++) late.push(viewer(s, browser, p, {page, key: `late${i}`}));
    for (const v of await Promise.all(late)) all.push(v) && await v.sees();
    const more = await made() - before;
    assert.ok(more <= 2, `${more} key frames for ${LATE} viewers`);
    return `${more} for ${LATE} viewers`;
  });
  for (const v of all) await v.stop();
  await page.close();
  await p.stop();
}
