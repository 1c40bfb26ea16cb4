// More voices than anybody is to hear: only the loudest are sent, each in a section of its own.

import assert from 'node:assert/strict';
import {call, until} from '../../browser/rig.mjs';
import {startServer} from '../../browser/server.mjs';
import {inPage, pageFor, person} from './people.mjs';

const TONES = {Ada: 440, Bob: 1000, Cleo: 1800, Dan: 2600};
const LOUDEST = 2;

export default async function ({browsers, test}) {
  const s = await startServer({name: 'rooms-loudest', options: ['--auth.required=false', `--rooms.loudest=${LOUDEST}`]});
  const page = await pageFor(await browsers('chromium'));
  const all = [];
  for (const [name, frequency] of Object.entries(TONES)) all.push(await person(s, page, {name, room: 'loudest', frequency}));
  const eve = await person(s, page, {name: 'Eve', room: 'loudest'});
  const talk = (who, talks) => call(page, 'talk', talks, who.name);
  const track = who => inPage(page, 'remote', 'Eve', who.name, 'microphone');
  const sound = who => inPage(page, 'sound', 'Eve', who.name);
  const sections = async () => (await inPage(page, 'numbers', 'Eve')).receive.sections;
  const level = async who => (await call(page, 'hear', `Eve/${who.name}/microphone`, [who.frequency]))?.[0];
  for (const p of all) await talk(p, false);
  await until('Eve has a section for each', async () => {
    const value = await Promise.all(all.map(async p => (await track(p))?.media));
    return {value, ok: value.every(Boolean)};
  }, 30000);
  const before = await sections();

  let heard, other;
  await test('of three who talk two are heard, and it is said why the third is not', async () => {
    const talkers = all.slice(0, 3);
    for (const p of talkers) await talk(p, true);
    // Who they are may change once more while the third begins.
    [heard, other] = await until('two of three, and the reason', async () => {
      const levels = await Promise.all(talkers.map(level)), causes = await Promise.all(talkers.map(async p => (await track(p)).cause));
      const loud = talkers.filter((_, i) => levels[i] > -60 && causes[i] === 'none');
      const mute = talkers.filter((_, i) => levels[i] < -70 && causes[i] === 'not_among_the_loudest');
      const ok = loud.length === LOUDEST && mute.length === 1;
      return {value: ok ? [loud, mute[0]] : [levels, causes], ok};
    }, 30000);
    return `${heard.map(p => p.name).join(' and ')}, not ${other.name}`;
  });

  const [first] = heard, was = await sound(first);
  await test('when one of them has ended, the third is heard in its place', async () => {
    await talk(first, false);
    const begun = Date.now();
    await eve.hears(other, [first]);
    const took = Date.now() - begun;
    await until('nothing more of the first comes', async () => {
      const one = await sound(first);
      await new Promise(r => setTimeout(r, 500));
      const value = (await sound(first)).packetsReceived - one.packetsReceived;
      return {value, ok: value === 0};
    });
    return `after ${took} ms, one second of which is a pause between two sentences`;
  });
  await test('who is heard again is the same stream, without a gap, and nothing was offered meanwhile', async () => {
    await talk(other, false);
    await talk(first, true);
    const begun = Date.now();
    await eve.hears(first, [other]);
    const took = Date.now() - begun, is = await sound(first);
    assert.equal(is.ssrc, was.ssrc);
    assert.equal(is.packetsLost, was.packetsLost);
    assert.equal(await sections(), before);
    const made = is.concealedSamples - is.silentConcealedSamples - was.concealedSamples + was.silentConcealedSamples;
    return `after ${took} ms; ${Math.round(made / 48)} ms were made up`;
  });
  for (const p of [...all, eve]) await p.leave();
  await page.close();
  await test('the server (loudest) ends when told, without a complaint', () => s.stop());
}
