// A viewer that leaves and returns, and what is left of it meanwhile: nothing. Who leaves without a word is waited for
// while the other suites go on, on a server of its own.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';
import {call, until} from './rig.mjs';
import {startServer} from './server.mjs';

export default async function ({server, browsers, test}) {
  const s = await server(), browser = await browsers('chromium');
  const p = await publisher(s, browser, {room: 'leave', color: 'green'});
  const page = await browser.page();
  await test('a viewer leaves, returns, and sees at once', async () => {
    const first = await viewer(s, browser, p, {page, key: 'first'});
    await first.sees();
    await first.stop();
    const asked = (await page.evaluate(() => window.rig.requests)).at(-1);
    assert.deepEqual([asked.method, asked.status], ['DELETE', 200]);
    const begun = Date.now();
    const second = await viewer(s, browser, p, {page, key: 'second'});
    await second.sees();
    const took = Date.now() - begun;
    await second.hears();
    await second.stop();
    assert.ok(took < 3000, `${took} ms until the first picture`);
    return `${took} ms until the first picture`;
  });
  await test('a publisher that ends is told to its viewers by an empty list', async () => {
    const v = await viewer(s, browser, p, {page, key: 'last'});
    await v.sees();
    await p.stop();
    await until('an empty room', async () => {
      const list = await s.streams('leave');
      return {value: list, ok: list.length === 0};
    });
    await call(page, 'stop', 'last');
  });
  await page.close();
  const own = await startServer({name: 'browser-leave'}), gone = await browser.page();
  const one = await publisher(own, browser, {room: 'gone', page: gone}), other = await viewer(own, browser, one, {page: gone});
  await other.sees();
  const forgotten = test('a page that is closed without a word is forgotten', async () => {
    const transports = n => until(`${n} transports`, async () => {
      const value = await own.count('sluice_transports');
      return {value, ok: value === n};
    }, 60000);
    await transports(2);
    await gone.close(); // no DELETE: DTLS's own farewell, or the end of consent, must do
    await transports(0); // 30 s of silence, and a while in which it may still come back
    await own.stop();
  });
  return () => forgotten;
}
