// The example of examples/redis, with real browsers on its page.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {launch} from '../browser/rig.mjs';
import {until} from '../browser/until.mjs';
import {there} from './rig.mjs';

const BACKEND = fileURLToPath(new URL('../../examples/redis/backend.mjs', import.meta.url));

// How each video of the page does: whose it is, how wide, at which time.
const videos = page => page.evaluate(() => [...document.querySelectorAll('video')].map(v =>
  ({own: v.muted, width: v.videoWidth, at: v.currentTime, tracks: v.srcObject.getTracks().map(t => t.kind).sort().join()})));

const sees = (page, n) => until(`${n} videos that play`, async () => {
  const before = await videos(page);
  await new Promise(r => setTimeout(r, 300));
  const value = await videos(page);
  return {value, ok: value.length === n && value.every((v, i) => v.width > 0 && v.at > (before[i]?.at ?? 0) && v.tracks === 'audio,video')};
}, 30000);

export default async function ({redis, backend, test}) {
  const child = spawn(process.execPath, [BACKEND], {env: {...process.env, REDIS_URL: redis.url, PORT: '0'}, stdio: ['ignore', 'pipe', 'inherit']});
  process.on('exit', () => child.kill('SIGKILL'));
  const origin = await new Promise(resolve => createInterface({input: child.stdout}).once('line', resolve));
  const chromium = await launch('chromium'), pages = [];
  try {
    await test('a room is made and joined, and two see and hear each other', async () => {
      pages.push(await chromium.page(origin));
      await pages[0].click('#create');
      await until('an address', async () => ({ok: (await pages[0].evaluate(() => location.hash)).length > 30}));
      await sees(pages[0], 1);
      const address = await pages[0].evaluate(() => location.href);
      pages.push(await chromium.page(address));
      await Promise.all(pages.map(p => sees(p, 2)));
      const room = new URL(address).hash.slice(1), info = await (await fetch(`${origin}room/${room}`)).json();
      assert.equal(info.occupancyCount, 2);
      assert.deepEqual(Object.values(info.occupants), [there(true), there()]);
      return info;
    });
    await test('a third one is told that it is full', async () => {
      const page = await chromium.page(await pages[0].evaluate(() => location.href));
      await until('the reason', async () => {
        const value = await page.$eval('#state', e => e.textContent);
        return {value, ok: value === 'full'};
      });
      await page.close();
    });
    await test('a page that is loaded again is back in its place', async () => {
      const room = await pages[1].evaluate(() => location.hash.slice(1));
      await pages[1].close();
      await until('its place to be free', async () => {
        const value = await backend.dictionary(room);
        return {value, ok: value.occupancyCount === 1};
      }, 30000);
      await sees(pages[0], 1);
      pages[1] = await chromium.page(await pages[0].evaluate(() => location.href));
      await Promise.all(pages.map(p => sees(p, 2)));
    });
  } finally {
    await chromium.close();
    child.kill('SIGTERM');
  }
}
