// An offer without candidates, which follow by PATCH.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';
import {until} from './rig.mjs';

// In the page: keeps its offers, and holds back their answers until candidates were gathered.
// Where the path stood before that, none would be sent.
function hold() {
  const plain = window.fetch;
  window.rig.offers = [];
  window.fetch = async (url, init = {}) => {
    const response = await plain(url, init);
    if (init.method !== 'POST') return response;
    window.rig.offers.push(init.body);
    while (Object.values(window.rig.pcs).some(pc => pc?.iceGatheringState !== 'complete')) await new Promise(r => setTimeout(r, 20));
    return response;
  };
}

async function holding(browser) {
  const page = await browser.page();
  await page.evaluate(hold);
  return page;
}

// How many PATCHes brought the candidates of this page's only session.
async function trickled(page) {
  const offers = await page.evaluate(() => window.rig.offers);
  assert.equal(offers.length, 1);
  assert.match(offers[0], /^a=ice-ufrag:/m);
  assert.doesNotMatch(offers[0], /^a=candidate/m);
  const patches = await until('candidates by PATCH', async () => {
    const value = (await page.evaluate(() => window.rig.requests)).filter(r => r.method === 'PATCH');
    return {value, ok: value.length > 0 && value.every(r => r.status !== 0)};
  });
  assert.ok(patches.every(r => r.status === 204), JSON.stringify(patches));
  return patches.length;
}

export default async function ({server, browsers, test}) {
  const s = await server();
  for (const kind of ['chromium', 'firefox'])
    await test(`${kind} sends its offer first and its candidates after`, async () => {
      const browser = await browsers(kind);
      const p = await publisher(s, browser, {room: 'trickle', color: 'yellow', page: await holding(browser)});
      const v = await viewer(s, browser, p, {page: await holding(browser)});
      await v.sees();
      const sent = [await trickled(p.page), await trickled(v.page)];
      await v.stop();
      await v.page.close();
      await p.stop();
      return `${sent.join(' and ')} PATCH`;
    });
}
