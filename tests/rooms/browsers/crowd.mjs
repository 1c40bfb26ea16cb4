// Six, of both kinds of browser; twelve, small and slow. Each is seen and heard by each.

import assert from 'node:assert/strict';
import {until} from '../../browser/rig.mjs';
import {inPage, pageFor, person} from './people.mjs';

const LOOKS = ['red', 'green', 'blue', 'yellow', 'magenta', 'cyan'];
// None is within 60 Hz of another, or of what a distorted one would ring with.
const TONES = [450, 530, 600, 720, 810, 970, 1120, 1280, 1520, 1690, 2020, 2320];
const LATE = 60000; // ms: two cores code and decode all that twelve send each other

// i: which of them. Who looks like another has another stamp.
const one = (server, page, i, room, options) => person(server, page, {name: `${room}-${i}`, room,
  color: LOOKS[i % LOOKS.length], frequency: TONES[i], width: 160, height: 90, ...options});

// How many pairs there were: of each the picture by its stamp, the voice by its tone and no other's. inTurn: one after
// the other puts his headphones on, since a page does not play a hundred voices at once.
async function proved(all, {inTurn = false} = {}) {
  let pairs = 0;
  for (const a of all) {
    const others = all.filter(b => b !== a);
    assert.deepEqual((await a.state()).peers.map(p => p.name).sort(), others.map(b => b.name).sort());
    const plays = on => inTurn && Promise.all(others.map(b => a.does('play', b.name, on)));
    await plays(true);
    await Promise.all(others.map(b => a.sees(b, {timeout: LATE})));
    await Promise.all(others.map(async b => {
      await a.hears(b, all.filter(x => x !== b), {timeout: LATE});
      await a.deaf(b);
      pairs++;
    }));
    await plays(false);
  }
  return pairs;
}

export default async function ({server, browsers, test}) {
  const s = await server();
  const c = await pageFor(await browsers('chromium')), f = await pageFor(await browsers('firefox'));
  await test('six: each sees and hears the five others, and nobody else', async () => {
    const all = [];
    for (let i = 0; i < 6; i++) all.push(await one(s, i % 3 === 2 ? f : c, i, 'six', {fps: 10}));
    const pairs = await proved(all);
    assert.equal(pairs, 30);
    for (const a of all) await a.leave();
    return `${pairs} pairs`;
  });
  await f.close();
  await test('twelve at 160x90 and 5 frames a second: each sees and hears the eleven others', async () => {
    const all = [], begun = Date.now();
    for (let i = 0; i < 12; i++) all.push(await one(s, c, i, 'twelve', {fps: 5, playAudio: false}));
    const joined = Date.now() - begun, pairs = await proved(all, {inTurn: true});
    const seen = Date.now() - begun;
    assert.equal(pairs, 132);
    await until('all move', async () => {
      const n = (await inPage(c, 'numbers', all[0].name)).receive.frames;
      return {value: n, ok: n > 11 * 5};
    });
    for (const a of all) await a.leave();
    return `${pairs} pairs; joined ${joined} ms, proved ${seen} ms`;
  });
  await c.close();
}
