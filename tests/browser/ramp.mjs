// A camera that takes all the bits it can get: within what time its browser sends much of them.

import {fileURLToPath} from 'node:url';
import {source} from '../../bench/quality/source.mjs';
import {publisher, viewer} from './participants.mjs';
import {call, launch, until} from './rig.mjs';

const FOLDER = fileURLToPath(new URL('../../build/bench', import.meta.url));
const PICTURE = {width: 1280, height: 720, fps: 30};
const WANTED = 1_500_000; // bit/s, of the 2.5 million that Chromium gives to one picture of this size

export default async function ({server, browsers, test}) {
  const s = await server(), camera = await launch('chromium', {
    flags: [`--use-file-for-fake-video-capture=${source(FOLDER, PICTURE)}`]});
  await test(`chromium: a picture with grain is sent at ${WANTED / 1e6} Mbit/s`, async () => {
    const p = await publisher(s, camera, {room: 'ramp', camera: true, codec: 'VP8', ...PICTURE});
    await call(p.page, 'keep', 'pub');
    const begun = Date.now(), v = await viewer(s, await browsers('chromium'), p);
    const seen = []; // a second's, and more: one key frame is no rate
    const {target, rate} = await until('rate', async () => {
      const {at, outbound} = await p.stats(), x = outbound.find(o => o.kind === 'video');
      seen.push({at, octets: x.bytesSent});
      while (seen.length > 2 && at - seen[1].at >= 1000) seen.shift();
      const ms = at - seen[0].at, value = {target: x.targetBitrate, rate: (x.bytesSent - seen[0].octets) * 8000 / ms, ms};
      return {value, ok: ms >= 1000 && value.target > WANTED && value.rate > WANTED};
    }, 30000);
    const took = Date.now() - begun;
    await v.stop();
    await p.stop();
    return `${(rate / 1e6).toFixed(2)} of ${(target / 1e6).toFixed(2)} Mbit/s ${took} ms after it was connected`;
  });
  await camera.close();
}
