// A person at the conference page: looks, listens, clicks and types.

import fs from 'node:fs';
import {fileURLToPath} from 'node:url';
import {COLORS, LIMIT, until} from '../../browser/rig.mjs';

const SHOTS = fileURLToPath(new URL('../../../build/test/conference/', import.meta.url));

// In the page, before its own scripts: what plays is what is heard.
function ears() {
  const playing = new Set(), {play} = HTMLMediaElement.prototype;
  HTMLMediaElement.prototype.play = function () {
    playing.add(this);
    return play.call(this);
  };
  let context;
  // Level, in dB of full scale, at each of the frequencies, over a while that has a syllable.
  window.hear = async frequencies => {
    context ??= new AudioContext({sampleRate: 48000});
    const analyser = context.createAnalyser(), peak = new Float32Array(4096).fill(-200), bins = new Float32Array(4096);
    Object.assign(analyser, {fftSize: 8192, smoothingTimeConstant: 0});
    const sources = [...playing].filter(e => e.srcObject?.getAudioTracks().length && !e.paused && !e.muted)
      .map(e => context.createMediaStreamSource(e.srcObject));
    for (const s of sources) s.connect(analyser);
    for (const end = performance.now() + 700; performance.now() < end; await new Promise(r => setTimeout(r, 50))) {
      analyser.getFloatFrequencyData(bins);
      bins.forEach((v, i) => peak[i] = Math.max(peak[i], v));
    }
    for (const s of sources) s.disconnect();
    return frequencies.map(f => Math.round(Math.max(...peak.subarray(Math.round(f * 8192 / 48000) - 1, Math.round(f * 8192 / 48000) + 2))));
  };
}

// In the page: what a person sees there.
function eyes() {
  const shown = e => !!e?.checkVisibility({opacityProperty: false});
  const text = id => document.getElementById(id).textContent.trim();
  const box = e => {
    const {left, top, width, height} = e.getBoundingClientRect();
    return {left, top, width, height};
  };
  // The upper left of a picture, where nobody's head is.
  const color = video => {
    if (!video.videoWidth) return null;
    const canvas = Object.assign(document.createElement('canvas'), {width: 32, height: 18}), g = canvas.getContext('2d');
    g.drawImage(video, 0, 0, 32, 18);
    const {data} = g.getImageData(2, 2, 4, 4), sum = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) for (let k = 0; k < 3; k++) sum[k] += data[i + k];
    return sum.map(v => Math.round(v * 4 / data.length));
  };
  const picture = video => ({color: color(video), at: video.currentTime, width: video.videoWidth});
  return {
    title: document.title, room: text('room-name'), status: text('status'),
    lobby: shown(document.getElementById('lobby')), refused: shown(document.getElementById('join-error')) ? text('join-error') : null,
    preview: picture(document.getElementById('preview')), note: shown(document.getElementById('preview-off')) ? text('preview-note') : null,
    meter: parseFloat(document.getElementById('meter').firstElementChild.style.height),
    seats: [...document.querySelectorAll('.seat')].filter(shown).map(s => ({
      name: s.querySelector('.name').textContent, source: s.dataset.source, dark: s.classList.contains('dark'),
      speaking: s.classList.contains('speaking'), large: s.classList.contains('large'), muted: shown(s.querySelector('.muted')),
      raised: shown(s.querySelector('.raised')), numbers: shown(s.querySelector('.numbers')) ? s.querySelector('.numbers').innerText : null,
      bars: s.querySelector('.bars').title, box: box(s), ...picture(s.querySelector('video')),
    })),
    busy: [...document.querySelectorAll('button:disabled')].filter(shown).map(b => b.id),
    pressed: [...document.querySelectorAll('button[aria-pressed="true"]')].filter(shown).map(b => b.id || b.className),
    unread: shown(document.querySelector('#chat-open .count')) ? document.querySelector('#chat-open .count').textContent : null,
    messages: [...document.querySelectorAll('#messages li:not(.event)')].filter(shown).map(m => [...m.children].map(p => p.textContent).join(': ')),
    people: [...document.querySelectorAll('#list li')].filter(shown).map(m => m.querySelector('.who').innerText),
    host: shown(document.getElementById('host')), toasts: [...document.querySelectorAll('.toast p')].map(t => t.textContent),
    more: shown(document.querySelector('.more')) ? document.querySelector('.more').textContent : null, said: text('said'),
    focus: document.activeElement.id || document.activeElement.className, wide: document.documentElement.scrollWidth - innerWidth,
  };
}

const near = (a, b) => !!a && a.every((v, i) => Math.abs(v - b[i]) <= 60);
export const looks = (seen, color) => near(seen.color, COLORS[color]) && seen.at > 0;

const still = theme => [{name: 'prefers-color-scheme', value: theme}, {name: 'prefers-reduced-motion', value: 'reduce'}];

// errors: where complaints of the page go. before: what is in the page before its own scripts: functions, or such with
// arguments. plain: in a browser that lets nobody say which theme the system has.
export async function visitor(browser, {theme = 'light', viewport = {width: 1280, height: 720}, errors, before = [], plain = false}) {
  const context = await browser.browser.createBrowserContext(), page = await context.newPage();
  page.on('pageerror', e => errors.push(e.message));
  page.on('console', m => m.type() === 'error' && errors.push(m.text()));
  page.setDefaultTimeout(LIMIT);
  if (!plain) await page.emulateMediaFeatures(still(theme));
  await page.setViewport(viewport);
  for (const x of [ears, ...[before].flat()]) await page.evaluateOnNewDocument(...[x].flat());
  const view = () => page.evaluate(eyes);
  const wait = (what, ok, timeout = 15000) => until(what, async () => {
    const value = await view();
    return {value, ok: ok(value)};
  }, timeout);
  return {
    page, context, view, until: wait,
    seat: (name, what, ok, timeout) => wait(`${name}: ${what}`, v => v.seats.some(s => s.name.startsWith(name) && ok(s, v)), timeout),
    hears: (frequency, absent = []) => until(`${frequency} Hz is heard`, async () => {
      const value = await page.evaluate(f => window.hear(f), [frequency, ...absent]);
      return {value, ok: value[0] > -60 && value.slice(1).every(l => value[0] - l >= 20)};
    }, 15000),
    hearsNot: frequency => until(`${frequency} Hz is heard no more`, async () => {
      const value = await page.evaluate(f => window.hear(f), [frequency]);
      return {value, ok: value[0] < -75};
    }, 15000),
    // By the keyboard alone: as often as it takes, and no more often than there are things to reach.
    tab: async (to, back = false) => {
      const passed = [];
      if (back) await page.keyboard.down('Shift');
      for (let n = 0; n < 60 && passed.at(-1) !== to; n++) {
        await page.keyboard.press('Tab');
        passed.push(await page.evaluate(() => document.activeElement.id || document.activeElement.className));
      }
      if (back) await page.keyboard.up('Shift');
      if (passed.at(-1) !== to) throw new Error(`${to} is not reached, but ${[...new Set(passed)].join(' ')}`);
      return passed;
    },
    // A button does nothing while it is at work.
    press: async key => {
      await wait('nothing is at work', v => v.busy.length === 0);
      await page.keyboard.press(key);
    },
    shot: async name => {
      fs.mkdirSync(SHOTS, {recursive: true});
      await page.screenshot({path: `${SHOTS}${name}.png`});
    },
    theme: value => page.emulateMediaFeatures(still(value)),
  };
}
