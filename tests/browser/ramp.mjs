// A camera that takes all the bits it can get: within what time its browser sends much of them.

import {fileURLToPath} from 'node:url';
import {source} from '../../bench/quality/source.mjs';
import {publisher, viewer} from './participants.mjs';
import {call, launch, until} from './rig.mjs';

const FOLDER = fileURLToPath(new URL('../../build/bench', import.meta.url));
const PICTURE = {width: 1280, height: 720, fps: 30};
// bit/s. Chromium gives 2.5 million to one picture of that size. Firefox has no camera of ours, and to draw and
// encode noise takes it long, so that its picture is smaller; it begins at 0.3 million, and stays there unless it is told more.
const WANTED = {chromium: 1_500_000, firefox: 1_000_000};
const MADE = {chromium: {camera: true, ...PICTURE}, firefox: {grainy: true, width: 640, height: 360, fps: 20}};

// Until a second's sending, and more, is at that rate: one key frame is no rate. A browser that tells its target has it
// there, too.
async function rises(p, wanted) {
  const seen = [];
  return until('rate', async () => {
    const {at, outbound} = await p.stats(), x = outbound.find(o => o.kind === 'video');
    seen.push({at, octets: x.bytesSent});
    while (seen.length > 2 && at - seen[1].at >= 1000) seen.shift();
    const ms = at - seen[0].at, value = {target: x.targetBitrate, rate: (x.bytesSent - seen[0].octets) * 8000 / ms, ms};
    return {value, ok: ms >= 1000 && !(value.target <= wanted) && value.rate > wanted};
  }, 30000);
}

export default async function ({server, browsers, test}) {
  const s = await server(), camera = await launch('chromium', {
    flags: [`--use-file-for-fake-video-capture=${source(FOLDER, PICTURE)}`]});
  for (const kind of ['chromium', 'firefox'])
    await test(`${kind}: a picture with grain is sent at ${WANTED[kind] / 1e6} Mbit/s`, async () => {
      const from = kind === 'chromium' ? camera : await browsers(kind);
      const p = await publisher(s, from, {room: 'ramp', codec: 'VP8', ...MADE[kind]});
      if (kind === 'chromium') await call(p.page, 'keep', 'pub'); // its size, too; Firefox has no such wish
      const begun = Date.now(), v = await viewer(s, await browsers('chromium'), p);
      const {target, rate} = await rises(p, WANTED[kind]);
      const took = Date.now() - begun, of = target ? ` of ${(target / 1e6).toFixed(2)}` : '';
      await v.stop();
      await p.stop();
      return `${(rate / 1e6).toFixed(2)}${of} Mbit/s ${took} ms after it was connected`;
    });
  await camera.close();
}
