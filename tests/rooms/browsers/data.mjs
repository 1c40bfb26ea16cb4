// Messages between members, by data channels through the server.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import {launch, until} from '../../browser/rig.mjs';
import {minter} from '../tokens.mjs';
import {pageFor, person} from './people.mjs';

// Of what member.js sends; first: its first octet.
const checksum = (n, first = 1) => {
  let sum = 7;
  for (let i = 0; i < n; i++) sum = (sum * 31 + (i ? (i * 7 + 1) % 256 : first)) % 65521;
  return sum;
};

// A process with all that it has begun.
const family = pid => [pid, ...fs.readdirSync(`/proc/${pid}/task`).flatMap(thread =>
  (fs.readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').match(/\d+/g) ?? []).flatMap(child => family(Number(child))))];

function signal(pids, name) {
  for (const pid of pids) try {
    process.kill(pid, name);
  } catch { /* it ended by itself */ }
}

export default async function ({server, guarded, browsers, test}) {
  const s = await server(), c = await pageFor(await browsers('chromium')), f = await pageFor(await browsers('firefox'));
  const ada = await person(s, c, {name: 'Ada', room: 'data'}), bob = await person(s, f, {name: 'Bob', room: 'data'});
  const eve = await person(s, c, {name: 'Eve', room: 'data'});
  await test('a word to all reaches all, and says from whom', async () => {
    // Who has no channel yet is not waited for.
    for (const [from, to] of [[ada, bob], [ada, eve], [bob, ada]]) await until('channels', async () => {
      await from.does('send', {text: `up ${to.name}`});
      const value = await to.log();
      return {value, ok: value.some(e => e.data === `up ${to.name}`)};
    });
    assert.equal(await ada.does('send', {text: 'grüß euch'}), true);
    for (const p of [bob, eve]) await p.logged('heard', e => e.data === 'grüß euch' && e.from === 'Ada' && !e.lossy);
    assert.ok(!(await ada.log()).some(e => e.data === 'grüß euch'), 'but not oneself');
  });
  for (const octets of [1, 1200, 256_000]) await test(`${octets} octets arrive whole, in both directions`, async () => {
    for (const [from, to] of [[ada, bob], [bob, ada]]) {
      await from.does('send', {octets});
      await to.logged(`${octets} from ${from.name}`, e => e.data === octets && e.from === from.name && e.sum === checksum(octets));
    }
  });
  // Octets of a payload (docs/rooms.md): with the header it is what browsers send and take, and no less.
  const LONGEST = 262_076;
  await test(`${LONGEST} octets arrive whole, also of who has the longest id; one more is refused`, async () => {
    const g = await guarded(), mint = await minter(g);
    const far = await person(g, c, {name: 'Far', room: 'long', token: mint({room: 'long', sub: 'f'.repeat(64)})});
    const near = await person(g, f, {name: 'Near', room: 'long', token: mint({room: 'long', sub: 'n'.repeat(64)})});
    for (const [from, to] of [[far, near], [near, far]]) {
      await until('channels', async () => {
        await from.does('send', {text: 'up'});
        const value = await to.log();
        return {value, ok: value.some(e => e.data === 'up')};
      });
      assert.equal(await from.does('send', {octets: LONGEST, to: [to.name]}), true);
      await to.logged(`${LONGEST} from ${from.name}`, e => e.data === LONGEST && e.from === from.name && e.sum === checksum(LONGEST));
      assert.equal(await from.does('send', {octets: LONGEST + 1}), 'too_large');
    }
    assert.equal(await g.count('sluice_room_data_dropped_total', {reason: 'too_large'}), 0);
    for (const p of [far, near]) await p.leave();
  });
  await test('a word to one reaches that one alone', async () => {
    await bob.does('send', {text: 'psst', to: ['Ada']});
    await bob.does('send', {text: 'hello', to: ['Ada', 'Eve']});
    await eve.logged('hello', e => e.data === 'hello');
    await ada.logged('hello', e => e.data === 'hello');
    assert.ok((await ada.log()).some(e => e.data === 'psst'));
    assert.ok(!(await eve.log()).some(e => e.data === 'psst'));
  });
  await test('a lossy message says that it is one', async () => {
    assert.equal(await eve.does('send', {text: 'here', lossy: true}), true);
    await bob.logged('here', e => e.data === 'here' && e.lossy && e.from === 'Eve');
  });
  await test('forty in a row come in order', async () => {
    for (let n = 0; n < 40; n++) await ada.does('send', {text: `n${n}`});
    await bob.logged('the last', e => e.data === 'n39');
    assert.deepEqual((await bob.log()).filter(e => /^n\d/.test(e.data)).map(e => e.data), Array.from({length: 40}, (_, n) => `n${n}`));
  });
  // Far above the rate at which the server reads one sender: the rest waits in the page.
  const WORDS = 2500, PIECES = 24, OCTETS = 262_000;
  const came = async (to, method, n, ...args) => {
    let got;
    await until(`${n} to have come`, async () => {
      got = await to.does(method, ...args);
      return {value: got.length, ok: got.length >= n};
    }, 90000);
    return got;
  };
  await test(`${WORDS} words of each of two as fast as they can come all, in order; another is heard meanwhile`, async () => {
    const sent = Promise.all([ada, bob].map(p => p.does('sendAll', WORDS)));
    await eve.does('send', {text: 'aside'});
    await bob.logged('aside', e => e.data === 'aside', 5000);
    assert.deepEqual(await sent, [WORDS, WORDS]);
    for (const [from, to] of [[ada, bob], [bob, ada], [ada, eve]])
      assert.deepEqual(await came(to, 'words', WORDS, from.name), Array.from({length: WORDS}, (_, i) => i));
  });
  await test(`${PIECES} pieces of ${OCTETS} octets come all, in order, from either browser`, async () => {
    for (const [from, to] of [[ada, bob], [bob, ada]]) {
      assert.equal(await from.does('sendAll', PIECES, OCTETS), PIECES);
      assert.deepEqual(await came(to, 'pieces', PIECES, from.name, OCTETS), Array.from({length: PIECES}, (_, i) => checksum(OCTETS, i)));
    }
  });
  await test('who reads nothing costs itself only: it loses its channel, others hear as fast as before, and it comes back', async () => {
    const sleeper = await launch('chromium'), page = await pageFor(sleeper), cut = () => s.count('sluice_room_data_cut_off_total');
    const slow = await person(s, page, {name: 'Slow', room: 'data'}), zoe = await person(s, c, {name: 'Zoe', room: 'data'});
    const heard = text => until(text, async () => {
      await ada.does('send', {text, to: ['Slow']});
      const value = await slow.log();
      return {value, ok: value.some(e => e.data === text)};
    });
    const lags = async () => {
      const all = (await zoe.does('lags', 'Eve', 100)).sort((a, b) => a - b);
      return {median: Math.round(all[50]), worst: Math.round(all[99])};
    };
    await heard('up');
    const before = await lags(), already = await cut(), processes = family(sleeper.browser.process().pid);
    const during = [];
    signal(processes, 'SIGSTOP');
    try {
      for (const end = Date.now() + 15000; await cut() === already && Date.now() < end;) {
        const [lag] = await Promise.all([lags(), ada.does('send', {octets: 256_000, to: ['Slow']}), bob.does('send', {octets: 256_000, to: ['Slow']})]);
        during.push(lag);
      }
    } finally {
      signal(processes, 'SIGCONT');
    }
    assert.equal(await cut(), already + 1);
    const [median, worst] = ['median', 'worst'].map(which => Math.max(...during.map(l => l[which])));
    const said = `${JSON.stringify(before)} before, ${JSON.stringify(during)} meanwhile`;
    assert.ok(median <= 2 * before.median + 20 && worst <= before.worst + 500 /* this page sends all that, too */, said);
    await heard('back');
    await zoe.leave();
    await slow.leave();
    await sleeper.close();
    return said;
  });
  for (const p of [ada, bob, eve]) await p.leave();
  await c.close();
  await f.close();
}
