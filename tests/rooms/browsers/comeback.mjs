// A socket that is lost, and a path that is made anew, while media goes on.

import assert from 'node:assert/strict';
import {sleep, until} from '../../browser/rig.mjs';
import {inPage, pageFor, person} from './people.mjs';

export default async function ({server, browsers, test}) {
  const s = await server(), c = await pageFor(await browsers('chromium')), f = await pageFor(await browsers('firefox'));
  const ada = await person(s, c, {name: 'Ada', room: 'back', color: 'green', frequency: 440});
  const bob = await person(s, f, {name: 'Bob', room: 'back', color: 'blue', frequency: 1000});
  await ada.sees(bob);
  await bob.sees(ada);
  for (const [p, q, page] of [[ada, bob, c], [bob, ada, f]]) await test(`${p.name}'s socket is cut: it is resumed, and no picture stands still`, async () => {
    const before = await p.state(), then = await p.does('numbers'), there = await q.does('numbers');
    await inPage(page, 'cut');
    await p.logged('noticed', e => e.state === 'reconnecting');
    await p.until('back', v => v.state === 'connected');
    const now = await p.state();
    assert.equal(now.me, before.me, 'the same peer');
    assert.ok(!(await q.log()).some(e => e.left === p.name), 'nobody was told that it left');
    await until('frames on both sides', async () => {
      const value = [(await p.does('numbers')).receive.frames - then.receive.frames, (await q.does('numbers')).receive.frames - there.receive.frames];
      return {value, ok: value.every(n => n > 20)};
    });
    const after = await p.does('numbers');
    assert.equal(after.receive.ufrag, then.receive.ufrag, 'the same path');
    assert.ok(after.receive.frozen - then.receive.frozen < 0.5, `frozen for ${after.receive.frozen - then.receive.frozen} s`);
    await p.sees(q);
    await p.hears(q, [p]);
  });
  await test('what happened meanwhile is known after it', async () => {
    await inPage(c, 'cut');
    const eve = await person(s, f, {name: 'Eve', room: 'back', color: 'red'});
    await ada.until('back', v => v.state === 'connected' && v.peers.some(p => p.name === 'Eve'));
    await ada.sees(eve);
    await eve.leave();
    await ada.logged('she left', e => e.left === 'Eve');
  });
  for (const p of [ada, bob]) await test(`${p.name}'s ICE is restarted on both connections: new credentials, media goes on`, async () => {
    const before = await p.does('numbers');
    await p.does('restartIce');
    await until('new credentials', async () => {
      const value = await p.does('numbers');
      return {value, ok: value.send.ufrag !== before.send.ufrag && value.receive.ufrag !== before.receive.ufrag &&
        value.send.state === 'connected' && value.receive.state === 'connected'};
    }, 30000);
    const at = (await p.does('numbers')).receive.frames;
    await sleep(500);
    await until('more frames', async () => {
      const value = (await p.does('numbers')).receive.frames - at;
      return {value, ok: value > 10};
    });
    await (p === ada ? bob : ada).sees(p);
  });
  await ada.leave();
  await bob.leave();
  await c.close();
  await f.close();
}
