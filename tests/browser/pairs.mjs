// Each browser publishes to each.

import {publisher, viewer} from './participants.mjs';

export default async function ({server, browsers, test}) {
  const s = await server();
  for (const from of ['chromium', 'firefox'])
    for (const to of ['chromium', 'firefox'])
      await test(`${from} to ${to}: picture, stamp and tone`, async () => {
        const p = await publisher(s, await browsers(from), {room: `${from}-${to}`, color: 'blue', frequency: 700});
        const v = await viewer(s, await browsers(to), p);
        const seen = await v.sees();
        await v.hears([440, 1000]);
        const {transport} = await v.stats();
        await v.stop();
        await p.stop();
        return `${seen.width}x${seen.height}, ${seen.stamp.ageMs} ms old` +
          (transport ? `, ${transport.srtpCipher}` : '');
      });
}
