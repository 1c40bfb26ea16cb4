// The example of examples/redis, with real browsers on its page.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {offer} from '../attack/rig.mjs';
import {launch, sleep} from '../browser/rig.mjs';
import {until} from '../browser/until.mjs';
import {door} from '../rooms/browsers/door.mjs';
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
    await test('who has the address of no room is told so, whatever it says', async () => {
      for (const room of ['none', '%00', 'a'.repeat(2000)]) {
        const page = await chromium.page(`${origin}#${room}`);
        await until('the reason', async () => {
          const value = await page.$eval('#state', e => e.textContent);
          return {value, ok: value.startsWith('there is no such room')};
        });
        await page.close();
        const answer = await fetch(`${origin}room/${room}/ann`, {method: 'POST', body: '{"type":"leave"}'});
        assert.deepEqual([answer.status, await answer.json()], [404, {error: 'no such room'}]);
      }
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
    await test('who is away for two seconds finds the call as it was, and has seen that he was', async () => {
      const d = await door({origin}), state = () => pages[1].$eval('#state', e => e.textContent);
      const says = (what, words) => until(what, async () => {
        const value = await state();
        return {value, ok: value.startsWith(words)};
      }, 30000);
      const room = await pages[0].evaluate(() => location.hash.slice(1));
      await pages[1].goto('about:blank');
      await until('its place to be free', async () => ({ok: (await backend.dictionary(room)).occupancyCount === 1}), 30000);
      await pages[1].goto(`${d.origin}/#${room}`);
      await Promise.all(pages.map(p => sees(p, 2)));
      d.is('shut');
      d.cut();
      await says('told', 'the connection to the server is lost');
      await sleep(2000);
      d.is('open');
      await says('back', 'connected to the server again');
      assert.equal((await backend.dictionary(room)).occupancyCount, 2);
      await Promise.all(pages.map(p => sees(p, 2)));
      d.is('shut');
      d.cut();
      await until('who does not come back has left', async () => ({ok: (await backend.dictionary(room)).occupancyCount === 1}), 30000);
      d.close();
    });
    await test('of three who come at once two are let in, and one of them is the host', async () => {
      const {roomID} = await (await fetch(`${origin}room/create`, {method: 'POST'})).json(), gone = new AbortController();
      const listens = async id => {
        const {body} = await fetch(`${origin}room/${roomID}/${id}/events`, {signal: gone.signal});
        await body.getReader().read(); // ready
      };
      const offers = async id => (await fetch(`${origin}room/${roomID}/${id}`, {method: 'POST',
        body: JSON.stringify({type: 'offer', payload: {type: 'offer', sdp: offer()}})})).status;
      const ids = ['ann', 'constructor', 'toString'];
      await Promise.all(ids.map(listens));
      assert.deepEqual((await Promise.all(ids.map(offers))).sort(), [202, 202, 409]);
      const {occupants} = await until('both', async () => {
        const value = await (await fetch(`${origin}room/${roomID}`)).json();
        return {value, ok: value.occupancyCount === 2};
      });
      assert.equal(Object.values(occupants).filter(o => o.IsHost).length, 1, JSON.stringify(occupants));
      await listens('valueOf');
      assert.equal(await offers('valueOf'), 409);
      gone.abort();
    });
  } finally {
    await chromium.close();
    child.kill('SIGTERM');
  }
}
