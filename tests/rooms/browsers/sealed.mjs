// End-to-end encryption through the server.

import assert from 'node:assert/strict';
import {until} from '../../browser/rig.mjs';
import {pageFor, person} from './people.mjs';

export default async function ({server, browsers, test}) {
  const s = await server(), c = await pageFor(await browsers('chromium')), f = await pageFor(await browsers('firefox'));
  const in_ = {room: 'sealed', words: 'correct horse'};
  const ada = await person(s, c, {name: 'Ada', ...in_, color: 'green', frequency: 440});
  const bob = await person(s, f, {name: 'Bob', ...in_, color: 'blue', frequency: 1000});
  await test('who has the words sees and hears, and reads messages', async () => {
    for (const [p, q] of [[ada, bob], [bob, ada]]) {
      await p.sees(q);
      await p.hears(q, [p]);
    }
    await ada.does('send', {text: 'between us'});
    await bob.logged('read', e => e.data === 'between us');
  });
  await test('who has other words, or none, sees and hears nothing, and is told so', async () => {
    const eve = await person(s, c, {name: 'Eve', room: 'sealed', words: 'wrong'});
    await until('unreadable', async () => {
      const value = await eve.does('remote', 'Bob', 'camera');
      return {value, ok: value?.readable === false && !value.height};
    }, 30000);
    await ada.does('send', {text: 'still between us'});
    await bob.logged('read', e => e.data === 'still between us');
    assert.ok(!(await eve.log()).some(e => e.data));
    const open = await person(s, c, {name: 'Open', room: 'sealed', color: 'red'});
    await until('sent, but no picture', async () => {
      const value = await open.does('remote', 'Bob', 'camera');
      return {value, ok: value?.media && !value.height};
    });
    await until('and what is not encrypted is not shown', async () => {
      const value = await bob.does('remote', 'Open', 'camera');
      return {value, ok: value?.readable === false && !value.height};
    }, 30000);
    await eve.leave();
    await open.leave();
  });
  for (const [page, other] of [[c, f], [f, c]]) {
    const kind = page === c ? 'Chromium' : 'Firefox';
    await test(`of a picture that ${kind} encrypts in three sizes each is sent the one it has room for`, async () => {
      const in_ = {room: `sealed-sizes-${kind}`, words: 'correct horse'};
      const big = await person(s, page, {name: `Big${kind}`, ...in_, color: 'yellow', width: 1280, height: 720, fps: 10, publish: {how: 'simulcast'}});
      const near = await person(s, other, {name: `Near${kind}`, ...in_, size: [160, 90]});
      const lines = (what, ok) => until(what, async () => {
        const value = await near.does('remote', big.name, 'camera');
        return {value, ok: value?.readable && ok(value.height)};
      }, 30000);
      const small = (await lines('a small one', n => n > 0 && n <= 180)).height;
      await near.sees(big, {stamped: false});
      await near.does('want', big.name, 'camera', {width: 1280, height: 720});
      const large = (await lines('a larger one', n => n >= 270)).height;
      await near.leave();
      await big.leave();
      return `${small}, then ${large} lines`;
    });
  }
  await test('a key that is turned costs no picture', async () => {
    await bob.does('ratchet');
    const before = (await ada.does('numbers')).receive.frames;
    await until('more frames', async () => {
      const value = (await ada.does('numbers')).receive.frames - before;
      return {value, ok: value > 20};
    });
    assert.equal((await ada.does('remote', 'Bob', 'camera')).readable, true);
  });
  await ada.leave();
  await bob.leave();
  await c.close();
  await f.close();
}
