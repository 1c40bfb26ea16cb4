// Every video codec that a browser here can send, to every browser that can show it.

import {publisher, viewer} from './participants.mjs';
import {inbound, until} from './rig.mjs';

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
          try {
            await v.sees();
            // Statistics may come a moment after the picture.
            await until(`video/${codec}`, async () => {
              const value = (await inbound(v.page, v.key)).codec;
              return {value, ok: value === `video/${codec}`};
            });
          } finally {
            await v.stop();
          }
        });
      await p.stop();
    }
}
