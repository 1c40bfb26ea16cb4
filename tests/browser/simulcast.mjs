// A publisher of three sizes: viewers get the best one, whole.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';
import {until} from './rig.mjs';

export default async function ({server, browsers, test}) {
  const s = await server();
  for (const kind of ['chromium', 'firefox'])
    await test(`${kind} sends three sizes, and the largest is seen`, async () => {
      const p = await publisher(s, await browsers(kind), {room: 'simulcast', color: 'red', simulcast: true,
        width: 1280, height: 720});
      const v = await viewer(s, await browsers('chromium'), p);
      await until('three layers on the way', async () => {
        const layers = (await p.stats()).outbound.filter(x => x.kind === 'video' && x.framesEncoded > 10);
        return {value: layers, ok: layers.length === 3};
      }, 20000);
      const seen = await until('the largest layer', async () => {
        const value = await v.sees();
        return {value, ok: value.width === 1280 && value.height === 720};
      }, 30000);
      const {inbound} = await v.stats();
      const video = inbound.filter(x => x.kind === 'video');
      assert.equal(video.length, 1);
      await v.stop();
      await p.stop();
      return `${seen.width}x${seen.height}`;
    });
}
