// A publisher and viewers whose packets land on different workers: the kernel chooses, so
// viewers join until both have some.

import {publisher, viewer} from './participants.mjs';
import {until} from './rig.mjs';

const ENOUGH = 24; // viewers; that all hash to one of two workers is then a matter of 2^-24

export default async function ({server, browsers, test}) {
  const s = await server(), browser = await browsers('chromium');
  await test('viewers on both workers see one publisher, and packets cross', async () => {
    const page = await browser.page(), all = [];
    // The numbers are a second old: they are waited for, also to forget the suites before.
    const busy = async () => (await s.metrics()).filter(m => m.name === 'sluice_transports' && m.value > 0).length;
    const settled = n => until(`${n} busy workers`, async () => {
      const value = await busy();
      return {value, ok: value === n};
    }, 70000);
    await settled(0);
    const p = await publisher(s, browser, {room: 'workers', color: 'yellow', width: 320, height: 180, fps: 15});
    while (await busy() < 2 && all.length < ENOUGH)
      all.push(await viewer(s, browser, p, {page, key: `v${all.length}`}));
    all.push(await viewer(s, browser, p, {page, key: 'last'}));
    for (const v of all) await v.sees();
    await settled(2);
    const before = await s.count('sluice_piped_in_packets_total'), begun = Date.now();
    const crossed = await until('packets to cross', async () => {
      const value = await s.count('sluice_piped_in_packets_total') - before;
      return {value, ok: value > 50};
    });
    const took = Date.now() - begun;
    for (const v of all) await v.stop();
    await page.close();
    await p.stop();
    return `${all.length} viewers, ${crossed} packets crossed in ${took} ms`;
  });
}
