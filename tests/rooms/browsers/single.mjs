// One connection for both ways: who asks for it sends and receives on it, with others who do not.
// Firefox, which has two although it asks, is one of those.

import assert from 'node:assert/strict';
import {until} from '../../browser/rig.mjs';
import {inPage, must, pageFor, person} from './people.mjs';

const single = {connections: 1};
const source = 'screen';

export default async function ({server, guarded, browsers, test}) {
  const s = await server(), c = await pageFor(await browsers('chromium')), f = await pageFor(await browsers('firefox'));
  const untroubled = async p => assert.deepEqual((await p.log()).filter(e => e.trouble), []);
  let ada, bob, eve;
  const screens = {}; // by name
  const shares = async p => must(p.publish({source, from: (screens[p.name] ??= await p.screen({Ada: 'cyan', Bob: 'yellow', Eve: 'magenta'}[p.name])).from}));
  await test('two meet, one of them on one connection: each sees and hears the other', async () => {
    ada = await person(s, c, {name: 'Ada', room: 'single', ...single, color: 'green', frequency: 440});
    bob = await person(s, f, {name: 'Bob', room: 'single', ...single, color: 'blue', frequency: 1000});
    for (const [a, b] of [[ada, bob], [bob, ada]]) {
      await a.sees(b);
      await a.hears(b, [a]);
      const {send, receive} = await a.does('numbers');
      assert.equal(send.ufrag === receive.ufrag, a === ada);
      await untroubled(a);
    }
  });
  await test('who comes late gets everything that is there, and is seen', async () => {
    eve = await person(s, c, {name: 'Eve', room: 'single', color: 'red', frequency: 2000});
    for (const p of [ada, bob]) {
      await eve.sees(p);
      await p.sees(eve);
      await p.hears(eve, [p]);
    }
    await eve.hears(bob, [ada, eve]);
    await eve.hears(ada, [bob, eve]);
  });
  for (const p of [0, 1]) await test(`what ${p ? 'Firefox' : 'Chromium'} shares is seen, ends, and leaves a section to be used again`, async () => {
    const who = [ada, bob][p], others = [ada, bob, eve].filter(o => o !== who);
    await shares(who);
    const {sections} = (await who.does('numbers')).send;
    for (const o of others) {
      await o.sees(screens[who.name], {source});
      await o.sees(who);
    }
    await who.does('unpublish', source);
    for (const o of others) await o.logged('it ended', e => e.ended === `${who.name}/${source}`);
    await shares(who);
    assert.equal((await who.does('numbers')).send.sections, sections);
    await who.does('unpublish', source);
    await untroubled(who);
  });
  await test('where both ends offer at once, all that was offered is agreed in the end', async () => {
    for (let n = 0; n < 5; n++) {
      const all = [ada, bob, eve];
      await Promise.all(all.map(shares));
      for (const p of all) for (const o of all.filter(x => x !== p)) await p.sees(screens[o.name], {source});
      await Promise.all(all.map(p => p.does('unpublish', source)));
    }
    for (const p of [ada, bob, eve]) await untroubled(p);
    for (const [p, q] of [[ada, bob], [bob, ada], [ada, eve]]) await p.sees(q);
  });
  for (const p of [0, 1]) await test(`${p ? 'Firefox' : 'Chromium'}'s socket is cut: it is resumed on the same path`, async () => {
    const [who, page] = [[ada, c], [bob, f]][p], before = await who.does('numbers');
    await inPage(page, 'cut');
    await who.logged('noticed', e => e.state === 'reconnecting');
    await who.until('back', v => v.state === 'connected');
    await until('frames', async () => {
      const value = (await who.does('numbers')).receive.frames - before.receive.frames;
      return {value, ok: value > 20};
    });
    assert.equal((await who.does('numbers')).receive.ufrag, before.receive.ufrag);
  });
  for (const p of [0, 1]) await test(`${p ? 'Firefox' : 'Chromium'} restarts ICE, and media goes on`, async () => {
    const who = [ada, bob][p], before = await who.does('numbers');
    await who.does('restartIce');
    await until('new credentials', async () => {
      const value = await who.does('numbers');
      return {value, ok: value.send.ufrag !== before.send.ufrag && value.send.state === 'connected'};
    }, 30000);
    await [bob, ada][p].sees(who);
    await who.sees([bob, ada][p]);
  });
  await test('who sends nothing at all sees and hears', async () => {
    for (const page of [c, f]) {
      const zoe = await person(s, page, {name: 'Zoe', room: 'single', ...single, data: false});
      await zoe.sees(ada);
      await zoe.hears(bob, [ada]);
      await zoe.leave();
    }
  });
  await test('a message goes from one to the other', async () => {
    await until('heard', async () => {
      await ada.does('send', {text: 'one line'});
      const value = await bob.log();
      return {value, ok: value.some(e => e.data === 'one line' && e.from === 'Ada')};
    });
  });
  for (const p of [ada, bob, eve]) {
    await untroubled(p);
    await p.leave();
  }
  await test('who may only watch does so on one connection', async () => {
    const g = await guarded(), token = what => g.token({room: 'watched', watch: true, ...what});
    const host = await person(g, c, {name: 'Host', room: 'watched', color: 'green', frequency: 440, token: await token({publish: true})});
    const viewer = await person(g, c, {name: 'Viewer', room: 'watched', ...single, token: await token()});
    assert.deepEqual(viewer.permissions, ['subscribe']);
    await viewer.sees(host);
    await viewer.hears(host);
    await untroubled(viewer);
    await viewer.leave();
    await host.leave();
  });
  await test('encrypted end to end, each sees and hears the other', async () => {
    const with_ = {room: 'single-sealed', words: 'correct horse', ...single};
    const ann = await person(s, c, {name: 'Ann', ...with_, color: 'green', frequency: 440});
    const ben = await person(s, f, {name: 'Ben', ...with_, color: 'blue', frequency: 1000});
    for (const [p, q] of [[ann, ben], [ben, ann]]) {
      await p.sees(q);
      await p.hears(q, [p]);
    }
    await ann.leave();
    await ben.leave();
  });
  await c.close();
  await f.close();
}
