// The streams page, used as a person uses it: what is done in one window is seen in another.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import {fileURLToPath} from 'node:url';
import {startImpair} from './impair.mjs';
import {publisher} from './participants.mjs';
import {until} from './rig.mjs';
import {startServer} from './server.mjs';

const SHOTS = fileURLToPath(new URL('../../build/test/streams/', import.meta.url));

const tile = (page, name) => page.$eval(`[data-stream="${name}"]`, t => ({
  state: t.dataset.state, dark: t.classList.contains('dark'),
  width: t.querySelector('video').videoWidth, at: t.querySelector('video').currentTime,
  note: t.querySelector('.note').textContent, why: t.querySelector('.why').textContent, codec: t.querySelector('.codec').textContent,
  numbers: Object.fromEntries([...t.querySelectorAll('.cell')].map(c => [c.classList[1], c.querySelector('dd').textContent])),
})).catch(() => null);

const playing = (page, name) => until(`${name} plays`, async () => {
  const value = await tile(page, name);
  return {value, ok: value?.state === 'live' && !value.dark && value.width > 0 && value.at > 0};
}, 20000);

// Of each chart: how many columns of it are painted, how many pixels in the colour that the theme has for it, and
// whether it is to be seen, or something is before it.
const charts = (page, name) => page.$$eval(`[data-stream="${name}"] .cell`, cells => Object.fromEntries(cells.map(c => {
  const canvas = c.querySelector('canvas'), {width, height} = canvas;
  const {data} = canvas.getContext('2d').getImageData(0, 0, width, height), columns = new Set();
  const color = getComputedStyle(canvas).color.match(/\d+/g).map(Number);
  let pixels = 0;
  for (let i = 0; i < width * height; i++) {
    if (data[4 * i + 3] > 0) columns.add(i % width);
    pixels += data[4 * i + 3] === 255 && color.every((v, k) => Math.abs(v - data[4 * i + k]) <= 3);
  }
  const box = canvas.getBoundingClientRect();
  const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) === canvas;
  return [c.classList[1], {columns: columns.size, pixels, seen}];
})));

// In the page, before its own scripts: media goes by a relay.
function redirect(port) {
  const plain = window.fetch;
  window.fetch = async (url, init = {}) => {
    const response = await plain(url, init);
    if (init.method !== 'POST' || !String(url).startsWith('/whep/')) return response;
    const text = await response.text();
    let n = 0;
    response.text = async () => text.replace(/^a=candidate:(\S+ 1 udp \S+) .*?\r\n/gim, (_, head) =>
      n++ ? '' : `a=candidate:${head} 127.0.0.1 ${port} typ host\r\n`);
    return response;
  };
}

export default async function ({server, browsers, test}) {
  const s = await server();
  for (const [from, to] of [['chromium', 'firefox'], ['firefox', 'chromium']]) {
    const room = `page-${from}`;
    const link = `${s.origin}/streams#token=${await s.token({room, publish: true, watch: true})}`;
    let a, b, name;
    await test(`${from}: the page starts empty, and hides the token`, async () => {
      a = await (await browsers(from)).page(link);
      await a.waitForSelector('#empty:not([hidden])');
      assert.equal(await a.$eval('#room', e => e.textContent), room);
      assert.equal(new URL(await a.evaluate(() => location.href)).hash, '');
    });
    await test(`${from}: a click publishes the camera`, async () => {
      await a.click('#start-camera');
      name = await a.waitForSelector('.tile.own').then(t => t.evaluate(e => e.dataset.stream));
      await playing(a, name);
    });
    await test(`${to}: another window shows it, with its numbers`, async () => {
      b = await (await browsers(to)).page(link);
      await playing(b, name);
      const {numbers, codec} = await until('numbers', async () => {
        const value = await tile(b, name);
        return {value, ok: /^[1-9]/.test(value?.numbers.fps) && /^[\d.]+$/.test(value?.numbers.bps) &&
          /^(< )?\d+ ms$/.test(value?.numbers.rtt)};
      });
      assert.match(numbers.height, /^\d+×\d+$/);
      assert.equal(numbers.loss, '0.0 %');
      return `${codec} ${JSON.stringify(numbers)}`;
    });
    await test(`${from}: the microphone joins without a new session, the screen is a stream of its own`, async () => {
      await a.click('#mic');
      await until('sound sent', async () => {
        const value = await b.$eval(`[data-stream="${name}"] video`, v => v.srcObject.getAudioTracks().length);
        return {value, ok: value === 1};
      });
      if (from === 'firefox') return; // which shows a picker that nobody can click here
      await a.click('#screen');
      await playing(b, `${name}~screen`);
    });
    await test(`${to}: each number has its chart, in the colours of light and of dark`, async () => {
      const themes = [];
      fs.mkdirSync(SHOTS, {recursive: true});
      await b.setViewport({width: 1280, height: 800});
      for (let n = 0; n < 2; n++) {
        const theme = await b.$eval('html', e => e.dataset.theme);
        await until(`charts in ${theme}`, async () => {
          const value = await charts(b, name);
          return {value, ok: Object.keys(value).length === 5 && Object.values(value).every(c => c.columns > 8 && c.pixels > 0 && c.seen)};
        });
        await b.screenshot({path: `${SHOTS}${to}-${theme}.png`});
        await b.click('#theme'); // twice: as it was
        themes.push(theme);
      }
      assert.deepEqual(themes.sort(), ['dark', 'light']);
    });
    await test(`${from}: Stop ends both, and the other window sees them go`, async () => {
      await a.click('#leave');
      await b.waitForSelector('#empty:not([hidden])');
      assert.deepEqual(await s.streams(room), []);
    });
    await a?.close();
    await b?.close();
  }
  await test('a line says why the picture is as it is', async () => {
    const browser = await browsers('chromium'), relay = await startImpair({port: s.rtc});
    const p = await publisher(s, browser, {room: 'why', simulcast: true, camera: true, width: 1280, height: 720});
    const page = await browser.browser.newPage();
    const says = (what, ms) => until(`${what}`, async () => {
      const value = (await tile(page, p.stream))?.why;
      return {value, ok: what.test(value)};
    }, ms);
    await page.setViewport({width: 1600, height: 1000});
    await page.evaluateOnNewDocument(redirect, relay.port);
    await page.goto(`${s.origin}/streams#token=${await s.token({room: 'why', watch: true})}`);
    const said = [await says(/^720p: the best that is sent$/, 30000)];
    await page.setViewport({width: 500, height: 900});
    said.push(await says(/^360p: enough for this size$/, 15000));
    await page.setViewport({width: 1600, height: 1000});
    await says(/^720p: the best/, 15000);
    relay.set({down: {rate: 400}});
    said.push(await says(/^180p: your network gives [23]\d0 kbit\/s$/, 20000));
    await page.close();
    await p.stop();
    relay.stop();
    return said.join('; ');
  });
  await test('without a token the page says what to do', async () => {
    const page = await (await browsers('chromium')).page(`${s.origin}/streams`);
    await page.waitForSelector('#no-token:not([hidden])');
    await page.type('#token-text', 'nonsense');
    await page.click('#token-form button');
    await page.waitForSelector('#token-error:not([hidden])');
    await page.close();
  });
  await test('where no token is asked for, none is needed', async () => {
    const open = await startServer({name: 'open', options: ['--auth.required=false']});
    const page = await (await browsers('chromium')).page(`${open.origin}/streams#room=hall`);
    await page.waitForSelector('#empty:not([hidden])');
    await page.click('#start-camera');
    await playing(page, await page.waitForSelector('.tile.own').then(t => t.evaluate(e => e.dataset.stream)));
    assert.equal(await page.$eval('#room', e => e.textContent), 'hall');
    await page.click('#leave');
    await page.close();
    await open.stop();
  });
  await test('the conference leads to it, with the token that opened that', async () => {
    const page = await (await browsers('chromium')).page(`${s.origin}/#token=${await s.token({room: 'led', publish: true, watch: true})}`);
    await page.waitForSelector('#join');
    await Promise.all([page.waitForNavigation(), page.click('a[href="/streams"]')]);
    await page.waitForSelector('#empty:not([hidden])');
    await page.click('#start-camera');
    await playing(page, await page.waitForSelector('.tile.own').then(t => t.evaluate(e => e.dataset.stream)));
    await page.close();
  });
  await test('a token that the server refuses leads back to the same place', async () => {
    const forged = (await s.token({room: 'x', watch: true})).replace(/.{6}$/, 'AAAAAA');
    const page = await (await browsers('chromium')).page(`${s.origin}/streams#token=${forged}`);
    await page.waitForSelector('#no-token:not([hidden])');
    assert.match(await page.$eval('#token-error', e => e.textContent), /not valid/);
    await page.close();
  });
  await test('a token that may only watch says so when publishing', async () => {
    const page = await (await browsers('chromium')).page(
      `${s.origin}/streams#token=${await s.token({room: 'x', watch: true})}`);
    await page.waitForSelector('#empty:not([hidden])');
    await page.click('#start-camera');
    await page.waitForSelector('.toast.error');
    assert.match(await page.$eval('.toast.error', e => e.textContent), /does not allow/);
    await page.close();
  });
}
