// The conference page where something is not as usual: devices that take their time, what may not be sent,
// a browser that keeps nothing, a room that is changed under people's feet, a bad network, a phone.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import {COLORS, launch, until} from '../../browser/rig.mjs';
import {minter} from '../tokens.mjs';
import {flags} from './devices.mjs';
import {looks, visitor} from './visitor.mjs';

const MEDIA = ['camera', 'microphone', 'clipboard-read', 'clipboard-sanitized-write'];

export default async function ({server, guarded, browsers, test}) {
  const s = await server(), g = await guarded(), files = fs.mkdtempSync(`${os.tmpdir()}/sluice-devices-`), errors = [];
  const one = await launch('chromium', {flags: flags(files, {color: COLORS.green, frequency: 500})});
  // Somebody in a room, or before its door; silent: without devices.
  const comes = async (room, name, {at = s, token, words, inside = true, silent = false, ...options} = {}) => {
    const v = await visitor(one, {errors, ...options});
    if (!silent) await v.context.overridePermissions(at.origin, MEDIA);
    await v.page.goto(`${at.origin}/#${token ? `token=${token}&` : ''}room=${room}`);
    await v.page.type('#name', name);
    if (words) {
      await v.page.click('#more summary');
      await v.page.type('#words', words);
    }
    if (!inside) return v;
    await v.until('a preview', x => looks(x.preview, 'green') && x.pressed.includes('lobby-mic'));
    await v.page.click('#join');
    await v.until('in', x => !x.lobby);
    return v;
  };
  try {
    await refused({s, g, comes, test});
    await forgetful({s, one, errors, test});
    await test('no page has complained', () => assert.deepEqual(errors, []));
  } finally {
    await one.close();
    fs.rmSync(files, {recursive: true});
  }
}

// In the page, before its own scripts: devices are opened when devices.go() is said, and all that were
// given are known.
function slowly() {
  const {mediaDevices} = navigator, open = mediaDevices.getUserMedia.bind(mediaDevices);
  window.devices = {given: [], nth: [], asked: 0, gate: Promise.resolve(), go() {},
    hold() { this.gate = new Promise(go => { this.go = go; }); },
    live: () => window.devices.given.filter(t => t.readyState === 'live').map(t => t.kind).sort()};
  window.devices.hold();
  mediaDevices.getUserMedia = async wish => {
    const n = window.devices.asked++;
    await window.devices.gate;
    const stream = await open(wish), [track] = stream.getTracks();
    window.devices.given.push(track);
    window.devices.nth[n] = track;
    return stream;
  };
}

const eager = () => window.devices.go();

async function refused({s, g, comes, test}) {
  const mint = await minter(g);
  const live = v => v.page.evaluate(() => window.devices.live());
  await test('the link that is copied holds no token, and who copies it is told what others need', async () => {
    const ada = await comes('linked', 'Ada', {at: g, token: mint({room: 'linked', sub: 'ada', perm: 'admin'})});
    await ada.page.click('#invite');
    await ada.until('told', x => x.toasts.includes('Link copied. Who opens it needs a token of their own.'));
    assert.equal(await ada.page.evaluate(() => navigator.clipboard.readText()), `${g.origin}/#room=linked`);
    await ada.page.close();
  });
}

async function forgetful({s, one, errors, test}) {
  await test('a browser that keeps nothing for a page lets one in all the same, on both pages', async () => {
    const ada = await visitor(one, {errors, before: () => {
      for (const storage of ['localStorage', 'sessionStorage'])
        Object.defineProperty(window, storage, {get() { throw new DOMException('Access is denied for this document.', 'SecurityError'); }});
    }});
    await ada.context.overridePermissions(s.origin, MEDIA);
    await ada.page.goto(`${s.origin}/#room=forgetful`);
    await ada.until('a preview', x => looks(x.preview, 'green'));
    await ada.page.type('#name', 'Ada');
    await ada.page.click('#join');
    await ada.until('in', x => !x.lobby && x.room === 'forgetful' && x.seats.length === 1 && looks(x.seats[0], 'green'));
    await ada.page.click('#leave');
    await ada.until('the lobby', x => x.lobby);
    await ada.page.goto(`${s.origin}/streams#room=forgetful`);
    await ada.page.waitForFunction(() => document.getElementById('room').textContent === 'forgetful' && !document.getElementById('dock').hidden);
    await ada.page.close();
  });
}

