// Who speaks: told to all, by the levels that browsers send with their sound.

import assert from 'node:assert/strict';
import {call} from '../../browser/rig.mjs';
import {pageFor, person} from './people.mjs';

export default async function ({server, browsers, test}) {
  const s = await server(), c = await pageFor(await browsers('chromium')), f = await pageFor(await browsers('firefox'));
  const ada = await person(s, c, {name: 'Ada', room: 'speakers', frequency: 440});
  const bob = await person(s, f, {name: 'Bob', room: 'speakers', frequency: 1000});
  const eve = await person(s, c, {name: 'Eve', room: 'speakers'});
  const speaks = v => v.peers.filter(p => p.speaking).map(p => p.name);
  const talk = (who, talks) => call(who.page, 'talk', talks, who.name);
  await test('tones that never pause are nobody who speaks', async () => {
    for (const p of [ada, bob]) await eve.hears(p);
    const v = await eve.state();
    assert.deepEqual([v.speaker, speaks(v)], [undefined, []]);
  });
  await test('who speaks in words is named as the speaker, to all and to oneself', async () => {
    await talk(bob, false);
    await talk(ada, true);
    for (const p of [ada, bob, eve]) await p.until('Ada', v => v.speaker === 'Ada');
    await eve.until('she alone', v => speaks(v).join() === 'Ada');
  });
  await test('another who speaks when she has ended is named in her place', async () => {
    await talk(ada, false);
    await eve.until('nobody speaks', v => speaks(v).length === 0);
    assert.equal((await eve.state()).speaker, 'Ada', 'who spoke last is the speaker still');
    await talk(bob, true);
    for (const p of [ada, bob, eve]) await p.until('Bob', v => v.speaker === 'Bob');
    await eve.until('he alone', v => speaks(v).join() === 'Bob');
  });
  await test('who comes late is told who speaks', async () => {
    const late = await person(s, f, {name: 'Late', room: 'speakers'});
    await late.until('Bob', v => v.speaker === 'Bob');
    await late.leave();
  });
  for (const p of [ada, bob, eve]) await p.leave();
  await c.close();
  await f.close();
}
