// The browser says that the network came back, or is another one: the SDK does not wait then. Or nobody says so.

import assert from 'node:assert/strict';
import {byPort, startImpair} from '../../browser/impair.mjs';
import {sleep, until} from '../../browser/rig.mjs';
import {door} from './door.mjs';
import {inPage, pageFor, person} from './people.mjs';

const AT_ONCE = 1000; // ms; it would have waited for 4000
const GONE = 12_000; // ms in which one is gone whose socket was away; a place is kept for 30 s
const NOTICED = 8000; // ms in which a dead socket is given up; by its silence alone that takes 15 s and more

export default async function ({server, browsers, test}) {
  const s = await server(), stays = await pageFor(await browsers('chromium'));
  const bob = await person(s, stays, {name: 'Bob', room: 'network', color: 'blue'});
  for (const kind of ['chromium', 'firefox']) {
    const page = await pageFor(await browsers(kind)), d = await door(s);
    const ada = await person(s, page, {name: `Ada-${kind}`, room: 'network', url: d.origin, color: 'green', data: false});
    const attempts = () => inPage(page, 'attempts');
    const away = () => ada.until('away', v => v.state === 'reconnecting');
    const back = () => ada.until('back', v => v.state === 'connected');
    const attempted = (what, n) => until(what, async () => {
      const value = (await attempts()).length;
      return {value, ok: value >= n};
    }, 30000);
    const ufrags = async () => {
      const {send, receive} = await ada.does('numbers');
      return [send.ufrag, receive.ufrag];
    };
    const newCredentials = before => until('new credentials', async () => {
      const value = await ufrags();
      return {value, ok: value.every((u, i) => u !== before[i])};
    }, 30000);
    await ada.sees(bob);
    await bob.sees(ada);
    const me = (await ada.state()).me;
    const same = async () => {
      assert.equal((await ada.state()).me, me, 'the same peer');
      assert.ok(!(await bob.log()).some(e => e.left === ada.name), 'nobody was told that it left');
    };

    await test(`${kind}: whose network comes back is back at once, and the path is looked for anew`, async () => {
      const n = (await attempts()).length, before = await ufrags();
      d.is('shut');
      d.cut();
      await away();
      await attempted('five attempts in vain', n + 5);
      d.is('open');
      const said = await inPage(page, 'network', 'online');
      await attempted('another', said.attempts + 1);
      const waited = (await attempts())[said.attempts] - said.at;
      assert.ok(waited < AT_ONCE, `${waited} ms`);
      await back();
      await same();
      await newCredentials(before);
      await bob.sees(ada);
      return `${Math.round(waited)} ms`;
    });
    await test(`${kind}: an attempt that still waits for the network of before is given up for another`, async () => {
      const n = (await attempts()).length, held = (what, but) => until(what, () => {
        const socket = d.held().find(x => x !== but);
        return {ok: socket, value: socket};
      });
      d.is('held');
      d.cut();
      const first = await held('the first');
      await inPage(page, 'network', 'online');
      const second = await held('the second', first);
      d.is('open');
      first.destroy();
      d.through(second);
      await back();
      await sleep(1500);
      assert.equal((await attempts()).length, n + 2);
      assert.equal((await ada.state()).state, 'connected');
      await same();
    });
    for (const event of kind === 'chromium' ? ['online', 'change'] : ['online'])
      await test(`${kind}: on another network (${event}) the path is looked for anew, and the socket is kept that answers`, async () => {
        const before = await ufrags(), n = (await attempts()).length;
        await inPage(page, 'network', event);
        await newCredentials(before);
        assert.equal((await attempts()).length, n);
        await ada.sees(bob);
        await bob.sees(ada);
      });
    await test(`${kind}: a socket that is dead on the other network is made anew, long before its silence tells`, async () => {
      const before = await ufrags(), n = (await attempts()).length;
      d.deaden();
      const begun = Date.now();
      await inPage(page, 'network', 'online');
      await attempted('another socket', n + 1);
      const took = Date.now() - begun;
      assert.ok(took < NOTICED, `${took} ms`);
      await back();
      await same();
      await newCredentials(before);
      return `after ${took} ms`;
    });
    await test(`${kind}: who leaves while the socket is away is gone for the others as soon as the server can be reached`, async () => {
      d.is('shut');
      d.cut();
      await away();
      await ada.leave();
      assert.ok(!(await bob.log()).some(e => e.left === ada.name), 'nobody could know');
      d.is('open');
      const begun = Date.now();
      await bob.logged('it left', e => e.left === ada.name);
      const took = Date.now() - begun;
      assert.ok(took < GONE, `${took} ms`);
      return `after ${took} ms`;
    });
    d.close();
    await page.close();
  }
  await test('whose path for media breaks looks for it anew until it is there, and is seen and heard again', async () => {
    const page = await pageFor(await browsers('chromium')), relay = await startImpair({port: s.rtc});
    await page.evaluate(byPort, relay.port);
    const eve = await person(s, page, {name: 'Eve', room: 'network', color: 'red', frequency: 900});
    const ufrags = async () => Object.values(await eve.does('numbers')).map(c => c.ufrag);
    const all = async () => {
      await bob.sees(eve);
      await bob.hears(eve);
      await eve.sees(bob);
    };
    await all();
    const {me} = await eve.state(), before = await ufrags(), begun = Date.now();
    relay.set({up: {loss: 1}, down: {loss: 1}});
    await until('both to be looked for anew', async () => {
      const value = await ufrags();
      return {value, ok: value.every((u, i) => u !== before[i])};
    }, 30000);
    const took = Date.now() - begun;
    relay.set({});
    await all();
    assert.equal((await eve.state()).me, me, 'the same peer');
    assert.ok(!(await bob.log()).some(e => e.left === 'Eve'), 'nobody was told that it left');
    await eve.leave();
    relay.stop();
    await page.close();
    return `after ${took} ms`;
  });
  await bob.leave();
  await stays.close();
}
