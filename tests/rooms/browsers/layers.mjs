// A picture of many layers in one stream (SVC), published by the SDK: who wants it small gets the
// lower ones, and others all of it.

import assert from 'node:assert/strict';
import {until} from '../../browser/rig.mjs';
import {pageFor, person} from './people.mjs';

const WIDTH = 960, HEIGHT = 540; // the smallest of which Chromium makes three layers
const FPS = 30; // of 10 a second the SDK makes fewer bits than Chromium wants for the largest layer of VP9
const WISHES = [[120, 135], [270, 270], [540, 540], [120, 135]]; // lines that are wanted, and that come

export default async function ({server, browsers, test}) {
  const s = await server(), c = await pageFor(await browsers('chromium')), f = await pageFor(await browsers('firefox'));
  // codec undefined: the one that the SDK takes.
  for (const [codec, what, page] of [[undefined, 'VP9', f], ['AV1', 'AV1', c]]) {
    const room = `layers-${what}`;
    await test(`${what}: who wants a small picture gets the lower layers of the one that is sent, then larger ones`, async () => {
      const big = await person(s, c, {name: `Big${what}`, room, color: 'green', width: WIDTH, height: HEIGHT, fps: FPS, publish: {how: 'svc', codec}});
      const near = await person(s, c, {name: 'Near', room}), all = await person(s, page, {name: 'All', room});
      const lines = (who, n) => until(`${n} lines for ${who.name}`, async () => {
        const value = {comes: (await who.does('remote', big.name, 'camera'))?.height, goes: (await big.does('numbers')).send.encoded};
        return {value, ok: Math.abs(value.comes - n) <= 1 /* AV1 has even ones alone */};
      }, 40000);
      await all.does('want', big.name, 'camera', {width: WIDTH, height: HEIGHT});
      await lines(all, HEIGHT);
      const took = [];
      for (const [wanted, comes] of WISHES) {
        const begun = Date.now();
        await near.does('want', big.name, 'camera', {width: Math.round(wanted * 16 / 9), height: wanted});
        await lines(near, comes);
        await near.sees(big);
        took.push(`${comes} after ${Date.now() - begun} ms`);
        const {encoded} = (await big.does('numbers')).send;
        assert.deepEqual(encoded.map(e => [e.rid, e.height]), [[undefined, HEIGHT]], 'one stream, of full size');
      }
      assert.equal((await near.does('numbers')).receive.codecs.join(), `video/${what}`);
      await all.sees(big);
      await lines(all, HEIGHT);
      for (const p of [near, all, big]) await p.leave();
      return took.join(', ');
    });
  }
  await c.close();
  await f.close();
}
