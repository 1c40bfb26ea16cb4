// Every video codec that a browser here can send, to every browser that can show it.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';
import {inbound} from './rig.mjs';

const SENDS = {chromium: ['VP8', 'VP9', 'H264', 'AV1'], firefox: ['VP8', 'VP9', 'AV1']};
const SHOWS = {chromium: ['VP8', 'VP9', 'H264', 'AV1'], firefox: ['VP8', 'VP9', 'AV1']};

export default async function ({server, browsers, test}) {
  const s = await server();
  for (const from of Object.keys(SENDS))
    for (const codec of SENDS[from]) {
      const p = await publisher(s, await browsers(from), {room: `codec-${codec}`, color: 'cyan', codec, fps: 15});
      for (const to of Object.keys(SHOWS).filter(k => SHOWS[k].includes(codec)))
        await test(`${codec} from ${from} to ${to}`, async () => {
          const v = await viewer(s, await browsers(to), p);
          await v.sees();
          assert.equal((await inbound(v.page, v.key)).codec, `video/${codec}`);
          await v.stop();
        });
      await p.stop();
    }
}
