// Twenty viewers of one publisher.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';
import {inbound, sleep} from './rig.mjs';

const VIEWERS = 20;

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
  for (const v of all) await v.stop();
  await page.close();
  await p.stop();
}
