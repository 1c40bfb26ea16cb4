// The conference page where something is not as usual: devices that take their time, what may not be sent,
// a browser that keeps nothing, a room that is changed under people's feet, a bad network, a phone.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import {byPort, startImpair} from '../../browser/impair.mjs';
import {COLORS, launch, until} from '../../browser/rig.mjs';
import {minter} from '../tokens.mjs';
import {flags} from './devices.mjs';
import {looks, visitor} from './visitor.mjs';

const MEDIA = ['camera', 'microphone', 'clipboard-read', 'clipboard-sanitized-write'];
const PHONE = {width: 390, height: 800, deviceScaleFactor: 2, isMobile: true, hasTouch: true};

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
    await slow({comes, test});
    await chosen({s, errors, test});
    await refused({s, g, comes, test});
    await forgetful({s, one, errors, test});
    await watched({g, comes, test});
    await moved({s, comes, test});
    await parted({comes, test});
    await impaired({s, comes, test});
    await phone({comes, test});
    await crowd({comes, test});
    await firefox({s, browsers, comes, test});
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

async function slow({comes, test}) {
  const devices = (v, what) => v.page.evaluate(w => window.devices[w](), what);
  const asked = (v, n) => until('devices are asked for', async () => {
    const value = await v.page.evaluate(() => window.devices.asked);
    return {value, ok: value >= n};
  });
  const given = (v, n) => until('devices are given', async () => {
    const value = await v.page.evaluate(() => window.devices.given.length);
    return {value, ok: value >= n};
  });
  await test('who joins before his camera is open is seen and heard, and leaves nothing on behind him', async () => {
    const ada = await comes('slow', 'Ada', {inside: false, before: slowly});
    await asked(ada, 2);
    await ada.page.click('#join');
    await devices(ada, 'go');
    await ada.until('seen', x => x.seats.length === 1 && looks(x.seats[0], 'green') && !x.seats[0].muted);
    assert.deepEqual(await devices(ada, 'live'), ['audio', 'video']);
    await ada.press('v');
    await ada.until('off', x => x.seats[0].dark);
    assert.deepEqual(await devices(ada, 'live'), ['audio']);
    await devices(ada, 'hold');
    await ada.press('v');
    await asked(ada, 3);
    await ada.page.click('#leave');
    await ada.until('the lobby', x => x.lobby);
    await devices(ada, 'go');
    await until('nothing is captured for the call', async () => {
      const value = await ada.page.evaluate(() => window.devices.nth[2]?.readyState);
      return {value, ok: value === 'ended'};
    });
    await ada.until('the lobby has its own', x => looks(x.preview, 'green'));
    await ada.page.close();
  });
  await test('a camera that takes too long is let go of when it comes, and can be turned on in the call', async () => {
    const ada = await comes('late', 'Ada', {inside: false, before: slowly});
    await asked(ada, 2);
    await ada.page.click('#join');
    await ada.until('in without it', x => !x.lobby && x.seats.length === 1 && x.seats[0].dark);
    await devices(ada, 'go');
    await given(ada, 2);
    await until('nothing is captured', async () => {
      const value = await devices(ada, 'live');
      return {value, ok: value.length === 0};
    });
    await ada.press('v');
    await ada.until('on', x => looks(x.seats[0], 'green'));
    await ada.page.close();
  });
}

const eager = () => window.devices.go();

// Where Chromium is given a file it has one camera; so these two show what it likes, and are told apart by their ids.
async function chosen({s, errors, test}) {
  const two = await launch('chromium', {flags: ['--use-fake-device-for-media-stream=device-count=2']});
  const ada = await visitor(two, {errors, before: [slowly, eager]});
  const captured = () => ada.page.evaluate(() => Object.fromEntries(window.devices.given.filter(t => t.readyState === 'live')
    .map(t => [t.kind, t.getSettings().deviceId])));
  const choose = async (select, kind) => {
    const before = (await captured())[kind], ids = await ada.page.$$eval(`${select} option`, all => all.map(o => o.value));
    const other = ids.find(id => id && id !== before);
    await ada.page.select(select, other);
    await until(`the ${kind} of another device`, async () => {
      const value = await captured();
      return {value, ok: value[kind] === other && Object.keys(value).length === 2};
    });
    return other;
  };
  await ada.context.overridePermissions(s.origin, MEDIA);
  await test('the devices that are chosen are those that are opened, before the call and in it', async () => {
    await ada.page.goto(`${s.origin}/#room=chosen`);
    await ada.page.type('#name', 'Ada');
    await ada.until('a preview', x => x.preview.width > 0 && x.pressed.includes('lobby-mic'));
    await ada.page.click('#more summary');
    const camera = await choose('#camera-choice', 'video'), microphone = await choose('#mic-choice', 'audio');
    await ada.page.click('#join');
    await ada.until('in', x => x.seats.length === 1 && x.seats[0].at > 0 && !x.seats[0].muted);
    assert.deepEqual(await captured(), {video: camera, audio: microphone});
    await ada.page.click('#settings');
    assert.notEqual(await choose('#o-camera', 'video'), camera);
    assert.notEqual(await choose('#o-mic', 'audio'), microphone);
  });
  await test('a microphone that is chosen while it is off is the one that is heard when it is on', async () => {
    const enabled = () => ada.page.evaluate(() => window.devices.given.filter(t => t.kind === 'audio' && t.readyState === 'live').map(t => t.enabled));
    await ada.page.keyboard.press('Escape');
    await ada.press('m');
    await ada.until('off', x => x.seats[0].muted);
    await ada.page.click('#settings');
    const other = await choose('#o-mic', 'audio');
    assert.deepEqual(await enabled(), [false]);
    await ada.page.keyboard.press('Escape');
    await ada.press('m');
    await ada.until('on', x => !x.seats[0].muted);
    assert.deepEqual([(await captured()).audio, await enabled()], [other, [true]]);
  });
  await test('a camera that is turned on in the call, and chosen while it is off, is the one that is seen when it is on', async () => {
    await ada.page.click('#leave');
    await ada.until('the lobby', x => x.lobby && x.preview.width > 0);
    await ada.page.click('#lobby-camera');
    await ada.until('without a camera', x => !x.pressed.includes('lobby-camera'));
    await ada.page.focus('#name');
    await ada.press('Enter');
    await ada.until('in', x => !x.lobby && x.seats.length === 1 && x.seats[0].dark);
    await ada.press('v');
    await ada.until('on', x => !x.seats[0].dark && x.seats[0].at > 0);
    await ada.press('v');
    await ada.until('off', x => x.seats[0].dark);
    const before = await ada.page.$eval('#o-camera', e => e.value), ids = await ada.page.$$eval('#o-camera option', all => all.map(o => o.value));
    const other = ids.find(id => id && id !== before);
    await ada.page.click('#settings');
    await ada.page.select('#o-camera', other);
    await ada.page.keyboard.press('Escape');
    assert.equal((await captured()).video, undefined);
    await ada.press('v');
    await ada.until('on', x => !x.seats[0].dark && x.seats[0].at > 0);
    assert.equal((await captured()).video, other);
  });
  await two.close();
}

async function refused({s, g, comes, test}) {
  const mint = await minter(g);
  const live = v => v.page.evaluate(() => window.devices.live());
  await test('where a microphone may not be sent the camera is, and the microphone is let go of', async () => {
    const ada = await comes('silent', 'Ada', {at: g, token: mint({room: 'silent', sub: 'ada', sources: 'camera'}), before: [slowly, eager]});
    await ada.until('seen', x => x.seats.length === 1 && looks(x.seats[0], 'green') && x.seats[0].muted);
    await ada.until('told', x => x.toasts.length > 0);
    assert.deepEqual(await live(ada), ['video']);
    await ada.page.close();
  });
  await test('where nobody else may publish, one is there, and captures nothing', async () => {
    const put = await fetch(`${s.adminOrigin}/v1/rooms`, {method: 'POST', body: JSON.stringify({room: 'stalls', publishers_max: 1}),
      headers: {'content-type': 'application/json'}});
    assert.equal(put.status, 201, await put.text());
    const ada = await comes('stalls', 'Ada'), bob = await comes('stalls', 'Bob', {before: [slowly, eager]});
    await bob.seat('Ada', 'seen', x => looks(x, 'green'));
    await bob.until('told', x => x.toasts.length > 0);
    assert.deepEqual(await live(bob), []);
    await Promise.all([ada, bob].map(v => v.page.close()));
  });
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

async function watched({g, comes, test}) {
  await test('a host sees who watches, lets one take part, and sends another away', async () => {
    const mint = await minter(g), watch = sub => ({at: g, token: mint({room: 'watched', sub, perm: 'watch'}), inside: false, silent: true});
    const ada = await comes('watched', 'Ada', {at: g, token: mint({room: 'watched', sub: 'ada', perm: 'publish watch admin'})});
    const eve = await comes('watched', 'Eve', watch('eve')), zoe = await comes('watched', 'Zoe', watch('zoe'));
    for (const v of [eve, zoe]) {
      await v.page.click('#join');
      await v.seat('Ada', 'seen', x => looks(x, 'green'), 30000);
    }
    await ada.page.click('#people-open');
    const names = people => people.map(p => p.split('\n')[0].trim()).join();
    await ada.until('both', x => /^Ada.*,Eve.*,Zoe/.test(names(x.people)));
    await ada.shot('people-watching');
    await (await ada.page.waitForSelector('[aria-label="Remove Zoe"]')).click();
    await zoe.until('told', x => x.refused?.startsWith('You were removed from the room.'));
    await (await ada.page.waitForSelector('[aria-label="Let take part: Eve"]')).click();
    await ada.seat('Eve', 'there', x => x.dark);
    await ada.until('nobody watches', x => !x.people.some(p => /watches/.test(p)) && x.people.length === 2);
    await Promise.all([ada, eve, zoe].map(v => v.page.close()));
  });
}

async function moved({s, comes, test}) {
  await test('who is moved sees where he is, and reads what is encrypted there; so do the others', async () => {
    const words = 'correct horse', ada = await comes('here', 'Ada', {words}), bob = await comes('there', 'Bob', {words});
    const {peers: [{peer}]} = await (await fetch(`${s.adminOrigin}/v1/rooms/default/here`)).json();
    const {status} = await fetch(`${s.adminOrigin}/v1/rooms/default/here/peers/${peer}/move`, {method: 'POST',
      body: JSON.stringify({room: 'there'}), headers: {'content-type': 'application/json'}});
    assert.equal(status, 204);
    const v = await ada.until('there', x => x.room === 'there' && x.status === '2 here');
    assert.equal(v.title, 'there · Sluice');
    await bob.seat('Ada', 'read', x => looks(x, 'green') && !x.dark, 30000);
    await ada.seat('Bob', 'read', x => looks(x, 'green') && !x.dark, 30000);
    await ada.hears(500);
    await Promise.all([ada, bob].map(x => x.page.close()));
  });
}

async function parted({comes, test}) {
  const [ada, bob, eve] = await Promise.all(['Ada', 'Bob', 'Eve'].map(name => comes('parted', name, {inside: false, silent: true})));
  for (const v of [ada, bob, eve]) await v.page.click('#join');
  await ada.until('all', x => x.status === '3 here');
  await eve.press('c');
  await test('what is written to one who has left goes to nobody, until somebody else is chosen', async () => {
    const to = () => ada.page.$eval('#chat-to', e => e.selectedOptions[0].textContent);
    const options = await (await ada.press('c'), ada.page.$$eval('#chat-to option', all => all.map(o => ({text: o.textContent, value: o.value}))));
    await ada.page.select('#chat-to', options.find(o => o.text === 'Bob only').value);
    await ada.page.type('#chat-text', 'Do not tell Eve.');
    await bob.page.click('#leave');
    await ada.until('alone with Eve', x => x.status === '2 here');
    assert.equal(await to(), 'Bob (left)');
    await ada.press('Enter');
    await ada.until('told', x => x.toasts.some(t => /has left/.test(t)) && x.focus === 'chat-to');
    assert.equal(await ada.page.$eval('#chat-text', e => e.value), 'Do not tell Eve.');
    await ada.page.select('#chat-to', '');
    await ada.page.$eval('#chat-text', e => e.value = '');
    await ada.page.type('#chat-text', 'Good morning.');
    await ada.press('Enter');
    const {messages} = await eve.until('a message', x => x.messages.length > 0);
    assert.deepEqual(messages, ['Ada: Good morning.']);
    await ada.page.click('#leave');
    await ada.until('the lobby', x => x.lobby && x.preview.width > 0);
    await ada.page.focus('#name');
    await ada.press('Enter');
    await ada.until('in', x => !x.lobby);
    assert.equal(await to(), 'Everyone');
  });
  await Promise.all([ada, bob, eve].map(v => v.page.close()));
}

async function impaired({s, comes, test}) {
  const relay = await startImpair({port: s.rtc});
  const ada = await comes('impaired', 'Ada'), bob = await comes('impaired', 'Bob', {before: [[byPort, relay.port]]});
  await ada.press('v');
  await bob.seat('Ada', 'a voice alone, and all is well', x => x.dark && !x.muted && x.bars === 'Good');
  await test('a bad network is told on the seat of who has no camera, with the reason; and when it is over', async () => {
    relay.set({down: {loss: 0.3}});
    await bob.seat('Ada', 'poor', x => /^(Fair|Poor): \d+ % is lost on the way/.test(x.bars), 30000);
    await bob.press('s');
    await bob.seat('Ada', 'the reason, to be read', x => /network\s+(Fair|Poor)/.test(x.numbers) && /is lost on the way/.test(x.numbers), 30000);
    await bob.shot('bad-network');
    relay.set({});
    await bob.seat('Ada', 'good again', x => x.bars === 'Good', 30000);
  });
  await test('a long way is told as well', async () => {
    relay.set({down: {delay: 200}, up: {delay: 200}});
    await bob.seat('Bob (you)', 'fair', x => /^Fair: .*there and back takes [3-9]\d\d ms/.test(x.bars), 30000);
    relay.set({});
  });
  await Promise.all([ada, bob].map(v => v.page.close()));
  relay.stop();
}

async function phone({comes, test}) {
  const ada = await comes('phone', 'Ada', {viewport: PHONE}), bob = await comes('phone', 'Bob');
  await ada.seat('Bob', 'seen', x => looks(x, 'green'));
  const tap = async selector => (await ada.page.waitForSelector(selector, {visible: true})).tap();
  await test('on a phone: what a finger can hit is to be seen, and the theme, the numbers and the reason are there', async () => {
    const tools = await ada.page.$$eval('.seat-tools button', all => all.filter(e => e.checkVisibility()).map(e =>
      ({name: e.className, opacity: getComputedStyle(e.parentElement).opacity})));
    assert.ok(tools.some(t => t.name === 'silence') && tools.every(t => t.opacity === '1'), JSON.stringify(tools));
    const small = await ada.page.$$eval('.dock button, header button', all => all.filter(e => e.checkVisibility()).map(e => {
      const {left, right, width, height} = e.getBoundingClientRect();
      return {id: e.id, left, right, width, height};
    }).filter(b => b.left < 0 || b.right > 390 || b.height < 32 || b.width < 32));
    assert.deepEqual(small, []);
    await ada.shot('call-phone-host-light');
    await tap('#theme');
    assert.equal(await ada.page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    await tap('.seat[aria-label="Bob"] .bars');
    await ada.seat('Bob', 'numbers', x => /network\s+(Good|Fair|Poor)/.test(x.numbers));
    await ada.shot('statistics-phone-dark');
    await tap('#stats');
    await ada.until('away', x => x.seats.every(y => y.numbers === null));
  });
  await Promise.all([ada, bob].map(v => v.page.close()));
}

// Voices and cameras off: what counts is who is there.
async function crowd({comes, test}) {
  const ada = await comes('crowd', 'Ada');
  await ada.page.setViewport({width: 700, height: 420});
  const others = [];
  for (let n = 1; n <= 6; n++) others.push(await comes('crowd', `Guest ${n}`, {inside: false, silent: true}));
  for (const v of others) await v.page.click('#join');
  await ada.until('all', x => x.status === '7 here');
  await test('whom the speaker layout has no place for is counted, and stands in the list', async () => {
    await ada.press('l');
    const v = await ada.until('a number', x => /^\+\d$/.test(x.more));
    assert.equal(v.seats.length + Number(v.more), 7);
    await ada.shot('speaker-more');
    await ada.page.click('.more');
    await ada.until('all', x => x.people.length === 7 && x.focus === 'tab-people');
    await ada.press('Escape');
    const after = await ada.until('closed', x => x.people.length === 0);
    assert.equal(after.focus, 'more', 'where it was before');
  });
  await Promise.all([ada, ...others].map(v => v.page.close()));
}

async function firefox({s, browsers, comes, test}) {
  await test('the page in Firefox: each sees the other', async () => {
    const fox = await visitor(await browsers('firefox'), {errors: [], plain: true}), ada = await comes('fox', 'Ada');
    await fox.page.goto(`${s.origin}/#room=fox`);
    await fox.page.type('#name', 'Fox');
    await fox.page.click('#lobby-camera');
    await fox.until('a preview', x => x.preview.width > 0 && x.preview.at > 0);
    await fox.page.click('#join');
    await fox.seat('Ada', 'seen', x => looks(x, 'green'), 30000);
    await ada.seat('Fox', 'seen', x => !x.dark && x.width > 0 && x.at > 0, 30000);
    await fox.page.click('#leave');
    await ada.until('alone', x => x.status === '1 here');
    await Promise.all([ada, fox].map(v => v.page.close()));
  });
}
