// The server dies in the middle of a stream and is started again: everybody comes back by
// themselves, and the demo page says meanwhile what is the matter.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';
import {sleep, until} from './rig.mjs';
import {startServer} from './server.mjs';

export default async function ({browsers, test}) {
  const s = await startServer({name: 'comeback'});
  for (const kind of ['chromium', 'firefox'])
    await test(`${kind}: publisher and viewer outlive their server`, async () => {
      const room = `comeback-${kind}`;
      const p = await publisher(s, await browsers(kind), {room, color: 'cyan'});
      const v = await viewer(s, await browsers(kind), p);
      const page = await (await browsers(kind)).page(
        `${s.origin}/streams#token=${await s.token({room, watch: true})}`);
      await v.sees();
      await page.waitForSelector('.tile[data-state="live"]');
      await s.crash();
      await page.waitForSelector('#status.trouble');
      assert.match(await page.$eval('#status', e => e.textContent), /unreachable/);
      await sleep(1000);
      await s.start();
      const begun = Date.now();
      await until('a second session of the publisher', async () => {
        const asked = await p.page.evaluate(() => window.rig.requests);
        const value = asked.filter(r => r.method === 'POST' && r.status === 201).length;
        return {value, ok: value === 2};
      }, 60000);
      // A viewer that comes back first is told that there is nothing to see. A page that
      // follows the list, as the demo page does, watches again.
      await page.waitForSelector('.tile[data-state="live"]:not(.dark)', {timeout: 60000});
      const took = Date.now() - begun;
      await page.waitForSelector('#status:not(.trouble)');
      await page.close();
      await v.page.close();
      await p.stop();
      return `${took} ms after the server was back`;
    });
  await test('the second server ends well, too', () => s.stop());
}
