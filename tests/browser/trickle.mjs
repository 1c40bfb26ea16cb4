// An offer without candidates, which follow by PATCH.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';

export default async function ({server, browsers, test}) {
  const s = await server();
  for (const kind of ['chromium', 'firefox'])
    await test(`${kind} sends its offer first and its candidates after`, async () => {
      const p = await publisher(s, await browsers(kind), {room: 'trickle', color: 'yellow'});
      const v = await viewer(s, await browsers(kind), p);
      await v.sees();
      for (const page of [p.page, v.page]) {
        const asked = await page.evaluate(() => window.rig.requests);
        const patches = asked.filter(r => r.method === 'PATCH');
        assert.ok(patches.every(r => r.status === 204), JSON.stringify(asked));
      }
      // Where the path stood before the first candidate was gathered, none is sent.
      const sent = (await p.page.evaluate(() => window.rig.requests)).filter(r => r.method === 'PATCH').length;
      await v.stop();
      await p.stop();
      return `${sent} PATCH`;
    });
}
