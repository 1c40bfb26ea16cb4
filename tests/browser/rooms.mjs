// Two rooms at once do not know of each other.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';
import {call} from './rig.mjs';

export default async function ({server, browsers, test}) {
  const s = await server(), browser = await browsers('chromium');
  const a = await publisher(s, browser, {room: 'room-a', color: 'red', frequency: 440, id: 11});
  const b = await publisher(s, browser, {room: 'room-b', color: 'cyan', frequency: 1000, id: 22});
  const page = await browser.page();
  const va = await viewer(s, browser, a, {page, key: 'va'});
  const vb = await viewer(s, browser, b, {page, key: 'vb'});
  await test('each room shows its own publisher', async () => {
    await va.sees();
    await vb.sees();
  });
  await test('and lets its own tone be heard, not the other', async () => {
    await va.hears([1000]);
    await vb.hears([440]);
  });
  await test('each room lists its own stream only', async () => {
    assert.deepEqual((await s.streams('room-a')).map(x => x.name), [a.stream]);
    assert.deepEqual((await s.streams('room-b')).map(x => x.name), [b.stream]);
  });
  await test("a token for one room opens no other room's stream", async () => {
    await call(page, 'watch', 'thief', {url: s.whep('room-b', b.stream),
      token: await s.token({room: 'room-a', watch: true})});
    const {status} = (await page.evaluate(() => window.rig.requests)).at(-1);
    assert.equal(status, 403);
    assert.match((await page.evaluate(() => window.rig.states.thief)).at(-1), /^ended/);
  });
  await test('a token to watch does not publish', async () => {
    await call(page, 'make', {color: [0, 0, 0]});
    await call(page, 'publish', 'thief', {url: s.whip('room-a', 'other'),
      token: await s.token({room: 'room-a', watch: true})});
    assert.equal((await page.evaluate(() => window.rig.requests)).at(-1).status, 403);
  });
  await va.stop();
  await vb.stop();
  await page.close();
  await a.stop();
  await b.stop();
}
