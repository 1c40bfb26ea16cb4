// The conference page as people use it: Ada with a mouse, Bob with a keyboard and nothing else, each
// with a camera, a microphone and a browser of their own. Pictures of it go to build/test/conference.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import {COLORS, launch, until} from '../../browser/rig.mjs';
import {flags} from './devices.mjs';
import {looks, visitor} from './visitor.mjs';

const ADA = {color: 'green', frequency: 500}, BOB = {color: 'blue', frequency: 1300};
const PHONE = {width: 390, height: 800, deviceScaleFactor: 2}, DESK = {width: 1280, height: 720};

export default async function ({server, guarded, test: row}) {
  // Each row begins where the one before it ended.
  const test = async (name, f) => {
    let done = false;
    await row(name, async () => {
      const said = await f();
      done = true;
      return said;
    });
    if (!done) throw new Error(`after "${name}" nothing can be said of the rest`);
  };
  const s = await server(), files = fs.mkdtempSync(`${os.tmpdir()}/sluice-devices-`), errors = [];
  const [one, other] = await Promise.all([ADA, BOB].map(({color, frequency}) =>
    launch('chromium', {flags: flags(files, {color: COLORS[color], frequency})})));
  try {
    await conference({s, one, other, test, errors});
    await refused({s, guarded, one, test});
    await test('no page has complained', () => assert.deepEqual(errors, []));
  } finally {
    await Promise.all([one.close(), other.close()]);
    fs.rmSync(files, {recursive: true});
  }
}

async function conference({s, one, other, test, errors}) {
  const ada = await visitor(one, {errors}), bob = await visitor(other, {errors, theme: 'dark'});
  for (const v of [ada, bob]) await v.context.overridePermissions(s.origin, ['camera', 'microphone', 'clipboard-read', 'clipboard-sanitized-write']);

  await test('the lobby shows oneself, and how loud one is, before anybody else does', async () => {
    await ada.page.goto(`${s.origin}/`);
    await ada.until('a preview that lives, and a meter that moves', v => looks(v.preview, 'green') && v.note === null && v.meter > 20);
    await ada.page.click('#more summary');
    const cameras = await ada.page.$$eval('#camera-choice option', all => all.map(o => o.textContent));
    assert.ok(cameras.length >= 2 && cameras[0] === 'Default', `${cameras}`);
    await ada.shot('lobby-light');
    await ada.theme('dark');
    await ada.shot('lobby-dark');
    await ada.page.setViewport(PHONE);
    assert.ok((await ada.view()).wide <= 0, 'nothing is cut off on a phone');
    const below = await ada.page.evaluate(() => document.getElementById('join-form').getBoundingClientRect().top -
      document.getElementById('preview').getBoundingClientRect().bottom);
    assert.ok(below >= 0, `the form begins ${-below} pixels above the end of the preview`);
    await ada.shot('lobby-phone-dark');
    await ada.page.setViewport(DESK);
    await ada.theme('light');
    await ada.page.click('#lobby-camera');
    await ada.until('off', v => v.note && !v.pressed.includes('lobby-camera'));
    await ada.page.click('#lobby-camera');
    await ada.until('on', v => looks(v.preview, 'green'));
  });
  await test('a name and a room, and one is in', async () => {
    await ada.page.$eval('#room', e => e.value = '');
    await ada.page.type('#room', 'stand-up');
    await ada.page.type('#name', 'Ada');
    await ada.page.click('#join');
    const v = await ada.until('alone in the room', x => !x.lobby && x.status === '1 here' && x.seats.length === 1 && looks(x.seats[0], 'green'));
    assert.deepEqual([v.room, v.title, v.seats[0].name], ['stand-up', 'stand-up · Sluice', 'Ada (you)']);
  });
  await test('the link that is copied brings another in, who needs no mouse', async () => {
    await ada.page.click('#invite');
    await ada.until('told', v => v.toasts.some(t => t.startsWith('Link copied')));
    const link = await ada.page.evaluate(() => navigator.clipboard.readText());
    assert.equal(link, `${s.origin}/#room=stand-up`);
    await bob.page.goto(link);
    await bob.until('a preview', v => looks(v.preview, 'blue'));
    assert.equal(await bob.page.$eval('#room', e => e.value), 'stand-up');
    const passed = await bob.tab('join');
    for (const id of ['lobby-mic', 'lobby-camera', 'room', 'name']) assert.ok(passed.includes(id), `${id} of ${passed}`);
    await bob.tab('name', true);
    await bob.page.keyboard.type('Bob');
    await bob.press('Enter');
    await bob.until('in', v => !v.lobby && v.status === '2 here');
  });
  await test('each sees and hears the other', async () => {
    await bob.seat('Ada', 'seen', x => looks(x, 'green') && !x.muted);
    await ada.seat('Bob', 'seen', x => looks(x, 'blue') && !x.muted);
    await bob.hears(ADA.frequency, [BOB.frequency]);
    await ada.hears(BOB.frequency, [ADA.frequency]);
    await ada.shot('call-light');
    await bob.shot('call-dark');
  });
  await test('a microphone and a camera are turned off and on by a key', async () => {
    await bob.press('m');
    await ada.seat('Bob', 'muted', x => x.muted);
    await ada.hearsNot(BOB.frequency);
    await bob.press('v');
    await ada.seat('Bob', 'a name in place of a picture', x => x.dark);
    assert.deepEqual((await bob.view()).pressed, []);
    await bob.press('m');
    await bob.press('v');
    await ada.seat('Bob', 'back', x => !x.muted && !x.dark && looks(x, 'blue'));
    await ada.hears(BOB.frequency, [ADA.frequency]);
  });
  await test('what is written is read, by all or by one', async () => {
    await bob.press('c');
    await bob.until('a place to write', v => v.focus === 'chat-text');
    await bob.page.keyboard.type('Good morning, Ada.');
    await bob.press('Enter');
    await ada.until('one not read', v => v.unread === '1');
    await ada.page.click('#chat-open');
    await ada.until('read', v => v.unread === null && v.messages.includes('Bob: Good morning, Ada.'));
    await ada.page.select('#chat-to', await ada.page.$$eval('#chat-to option', all => all.find(o => o.textContent.startsWith('Bob')).value));
    await ada.page.type('#chat-text', 'And to you. The drawings are here: shall I show them?');
    await ada.page.click('#chat-form button');
    await bob.until('for him only', v => v.messages.some(m => m.startsWith('Ada to you only: And to you')));
    await bob.page.keyboard.type('Please do!');
    await bob.press('Enter');
    await ada.until('the answer', v => v.messages.includes('Bob: Please do!'));
    await ada.shot('chat-light');
    await bob.shot('chat-dark');
    await bob.tab('chat-open');
    await bob.press('Enter');
    await bob.until('closed', v => v.messages.length === 0);
  });
  await test('a hand that is raised is seen, and who is here stands in a list', async () => {
    await bob.press('h');
    await ada.seat('Bob', 'raised', (x, v) => x.raised && v.said === 'Bob raises a hand');
    await bob.press('p');
    await bob.until('both', v => v.people.length === 2 && v.people[0].startsWith('Bob') && /host/.test(v.people[1]));
    assert.equal((await bob.view()).host, false, 'what hosts do is not offered to guests');
    await ada.page.click('#people-open');
    await ada.until('what hosts do', v => v.host && v.people.length === 2);
    await ada.shot('people-light');
    assert.deepEqual(await ada.page.$$eval('#list li:nth-child(2) [role="img"]', all => all.map(e => e.getAttribute('aria-label'))),
      ['hand raised', 'microphone on']);
    await bob.tab('people-open');
    await bob.press('Enter');
    await bob.press('Enter');
    await bob.tab('tab-people');
    await bob.press('Escape');
    await bob.until('closed, and back where it was opened', v => v.people.length === 0 && v.focus === 'people-open');
    await bob.press('h');
    await ada.seat('Bob', 'lowered', (x, v) => !x.raised && v.said === 'Bob lowers the hand');
    await ada.page.click('#side-close');
  });
  await test('a screen that is shared is large for the others, and goes', async () => {
    await ada.page.$eval('#screen', e => { // twice, as who is impatient does
      e.click();
      e.click();
    });
    await bob.seat('Ada’s screen', 'large', x => x.large && x.width > 0 && x.at > 0);
    await bob.shot('screen-dark');
    await ada.page.click('#screen');
    await bob.until('gone', v => v.seats.length === 2);
  });
  await test('the speaker layout makes one large; a pin does, too', async () => {
    const [first] = (await bob.view()).seats.filter(x => x.name === 'Ada');
    await bob.press('l');
    await bob.seat('Ada', 'large', x => x.large && x.box.width > first.box.width);
    await bob.shot('speaker-dark');
    await bob.press('l');
    await bob.until('alike', v => v.seats.every(x => !x.large && x.box.width === v.seats[0].box.width));
    await bob.page.focus('.seat[aria-label="Bob (you)"] .pin');
    await bob.press('Enter');
    await bob.seat('Bob (you)', 'pinned', x => x.large);
    await bob.press('Space');
    await bob.until('alike', v => v.seats.every(x => !x.large));
  });
  await test('statistics stand on each picture, and say what is meant', async () => {
    await bob.press('s');
    await bob.seat('Ada', 'numbers', x => /size\s+\d+×\d+/.test(x.numbers) && /rate\s+[\d.]+ [kM]bit/.test(x.numbers) && /codec\s+VP8/.test(x.numbers) &&
      /trip\s+\d/.test(x.numbers));
    await bob.seat('Bob (you)', 'numbers', x => /size\s+\d+×\d+/.test(x.numbers));
    await ada.seat('Bob', 'the network in bars', x => /^(Good|Fair|Poor)/.test(x.bars));
    await bob.shot('statistics-dark');
    await bob.press('s');
    await bob.until('away', v => v.seats.every(x => x.numbers === null));
  });
  await test('everything there is can be reached by Tab, and is seen to be', async () => {
    const all = await bob.page.$$('button, input, select'), want = [], met = [];
    for (const e of all) if (await e.evaluate(x => x.checkVisibility({visibilityProperty: true}))) want.push(e);
    await want[0].focus();
    await bob.press('Shift'); // the last that was pressed is a key: focus is shown
    for (const e of want) {
      const at = await e.evaluate(x => {
        const {outlineStyle, outlineWidth} = getComputedStyle(x);
        return {name: x.id || x.className, has: document.activeElement === x, outlined: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
          named: !!(x.title || x.getAttribute('aria-label') || x.textContent.trim())};
      });
      assert.ok(at.has && at.outlined && at.named, `${JSON.stringify(at)} after ${met}`);
      met.push(at.name);
      await bob.press('Tab');
    }
    return met.join(' ');
  });
  await test('on a phone everything is there, and large enough for a thumb', async () => {
    await bob.page.setViewport(PHONE);
    const v = await bob.until('two seats, one above the other', x => x.seats.length === 2 && x.seats[0].box.left === x.seats[1].box.left);
    assert.ok(v.wide <= 0, `${v.wide} pixels too wide`);
    for (const x of v.seats) assert.ok(x.box.left >= 0 && x.box.left + x.box.width <= 390 && x.box.width > 300, JSON.stringify(x.box));
    const small = await bob.page.$$eval('.dock button, header button', all => all.filter(e => e.checkVisibility()).map(e => {
      const {left, right, width, height} = e.getBoundingClientRect();
      return {id: e.id, left, right, width, height};
    }).filter(b => b.left < 0 || b.right > 390 || b.height < 32 || b.width < 32));
    assert.deepEqual(small, []);
    const tools = await bob.page.$$eval('header button', all => all.filter(e => e.checkVisibility()).map(e => e.id));
    assert.deepEqual(tools, ['invite', 'layout', 'stats', 'settings', 'theme']);
    await bob.shot('call-phone-dark');
    await bob.theme('light');
    await bob.shot('call-phone-light');
    await bob.page.click('#chat-open');
    await bob.until('the chat', x => x.messages.length >= 2);
    await bob.shot('chat-phone-light');
    await bob.page.click('#side-close');
    await bob.page.setViewport(DESK);
  });
  await test('a host mutes a guest, who is told by whom; and locks the room', async () => {
    await ada.page.hover('.seat[aria-label="Bob"]');
    await ada.page.click('.seat[aria-label="Bob"] .silence');
    await bob.until('told', v => v.toasts.includes('Your microphone was muted by Ada.') && !v.pressed.includes('mic'));
    await ada.page.click('#people-open');
    await ada.page.click('#lock');
    await ada.until('locked', v => v.pressed.includes('lock'));
    const eve = await visitor(one, {errors: []});
    await eve.page.goto(`${s.origin}/#room=stand-up`);
    await eve.page.type('#name', 'Eve');
    await eve.page.click('#join');
    await eve.until('why not', v => v.refused === 'The room is locked: somebody inside has to open it.');
    await eve.page.close();
  });
  await test('who leaves is back in the lobby, and who stays is told', async () => {
    await bob.tab('leave');
    await bob.press('Enter');
    await bob.until('the lobby', v => v.lobby && v.title === 'Sluice');
    await ada.until('alone', v => v.seats.length === 1 && v.status === '1 here');
    ada.page.once('dialog', d => d.accept());
    await ada.page.click('#end');
    await ada.until('over', v => v.lobby && /closed by a host|left the room/.test(v.refused ?? v.toasts.join()));
  });
  await ada.page.close();
  await bob.page.close();
}

async function refused({s, guarded, one, test}) {
  const g = await guarded(), errors = [];
  await test('where a token is asked for, the page says so, and takes one that is pasted', async () => {
    const eve = await visitor(one, {errors});
    await eve.page.goto(`${g.origin}/#room=club`);
    await eve.page.type('#name', 'Eve');
    await eve.page.click('#join');
    await eve.until('asked', v => /asks for a token/.test(v.refused) && v.focus === 'token');
    await eve.page.keyboard.type('nonsense');
    await eve.press('Enter');
    await eve.until('refused', v => /not valid/.test(v.refused));
    await eve.page.$eval('#token', e => e.value = '');
    await eve.page.type('#token', await g.token({room: 'club', watch: true}));
    await eve.press('Enter');
    await eve.until('in, to watch', v => !v.lobby && v.seats.length === 0 && v.room === 'club');
    assert.equal(new URL(eve.page.url()).hash, '', 'the token is not in the address');
    await eve.page.close();
  });
}
