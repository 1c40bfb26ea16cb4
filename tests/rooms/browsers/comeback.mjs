// A socket that is lost, and a path that is made anew, while media goes on.

import assert from 'node:assert/strict';
import {sleep, until} from '../../browser/rig.mjs';
import {startServer} from '../../browser/server.mjs';
import {door} from './door.mjs';
import {inPage, pageFor, person} from './people.mjs';

const BROKEN = 500; // ms that a picture may stand still, and that may be made up of a tone: a browser short of time sends late

// Of two who see and hear each other, each by what the other gets: what() happens, and media goes on.
async function unbroken([p, q], what) {
  const look = (a, b) => Promise.all([a.does('numbers'), a.does('sound', b.name)]);
  const both = () => Promise.all([look(p, q), look(q, p)]), before = await both();
  await what();
  const at = (await both()).map(([n]) => n.receive.frames);
  const after = await until('frames on both sides', async () => {
    const value = await both();
    return {value, ok: value.every(([n], i) => n.receive.frames - at[i] > 20)};
  });
  const said = after.map(([n, s], i) => {
    const [m, t] = before[i];
    assert.equal(s.ssrc, t.ssrc, 'the same stream');
    return {name: [p, q][i].name, frozen: Math.round(1000 * (n.receive.frozen - m.receive.frozen)), packets: s.packetsReceived - t.packetsReceived,
      lost: s.packetsLost - t.packetsLost, made: Math.round((s.concealedSamples - t.concealedSamples) / 48)};
  });
  for (const one of said) assert.ok(one.frozen < BROKEN && one.packets > 0 && one.made < BROKEN, JSON.stringify(one));
  return said.map(({name, frozen, made, lost}) => `to ${name}: still for ${frozen} ms, ${lost} packets of sound lost, ${made} ms made up`).join('; ');
}

export default async function ({server, browsers, test}) {
  const s = await server(), c = await pageFor(await browsers('chromium')), f = await pageFor(await browsers('firefox'));
  const ada = await person(s, c, {name: 'Ada', room: 'back', color: 'green', frequency: 440});
  const bob = await person(s, f, {name: 'Bob', room: 'back', color: 'blue', frequency: 1000});
  for (const [p, q] of [[ada, bob], [bob, ada]]) {
    await p.sees(q);
    await p.hears(q, [p]);
  }
  for (const [p, q, page] of [[ada, bob, c], [bob, ada, f]]) await test(`${p.name}'s socket is cut: it is resumed, no picture stands still, and no voice breaks off`, async () => {
    const before = await p.state(), then = await p.does('numbers');
    const said = await unbroken([p, q], async () => {
      await inPage(page, 'cut');
      await p.logged('noticed', e => e.state === 'reconnecting');
      await p.until('back', v => v.state === 'connected');
    });
    const now = await p.state();
    assert.equal(now.me, before.me, 'the same peer');
    assert.ok(!(await q.log()).some(e => e.left === p.name), 'nobody was told that it left');
    const after = await p.does('numbers');
    for (const way of ['send', 'receive']) assert.equal(after[way].ufrag, then[way].ufrag, 'the same path');
    for (const [a, b] of [[p, q], [q, p]]) {
      await a.sees(b);
      await a.hears(b, [a]);
    }
    return said;
  });
  await test('what happened meanwhile is known after it', async () => {
    await inPage(c, 'cut');
    const eve = await person(s, f, {name: 'Eve', room: 'back', color: 'red'});
    await ada.until('back', v => v.state === 'connected' && v.peers.some(p => p.name === 'Eve'));
    await ada.sees(eve);
    await eve.leave();
    await ada.logged('she left', e => e.left === 'Eve');
  });
  for (const [p, q] of [[ada, bob], [bob, ada]]) await test(`${p.name}'s ICE is restarted on both connections: new credentials, media goes on both ways`, async () => {
    const before = await p.does('numbers');
    const said = await unbroken([p, q], async () => {
      await p.does('restartIce');
      await until('new credentials', async () => {
        const value = await p.does('numbers');
        return {value, ok: value.send.ufrag !== before.send.ufrag && value.receive.ufrag !== before.receive.ufrag &&
          value.send.state === 'connected' && value.receive.state === 'connected'};
      }, 30000);
    });
    for (const [a, b] of [[p, q], [q, p]]) {
      await a.sees(b);
      await a.hears(b, [a]);
    }
    return said;
  });
  await ada.leave();
  await bob.leave();
  for (const [kind, page] of [['chromium', c], ['firefox', f]]) await mutes(s, page, kind, test);
  await test('who was moved, and joins anew when the token of that is not good any more, is asked for one of the new room', () => forgotten(c));
  await test('who is joined anew with a token that lets him watch alone sends nothing any more, and knows why', () => demoted(c));
  await c.close();
  await f.close();
}

// A server that keeps its keys in memory, and so knows no token when it begins anew.
const forgets = () => startServer({name: 'rooms-forgets', options: ['--store.directory=']});

async function demoted(page) {
  const s = await forgets();
  let may = ['publish', 'watch'];
  await page.exposeFunction('lesserToken', async room => (await (await fetch(`${s.adminOrigin}/v1/tokens`,
    {method: 'POST', body: JSON.stringify({room, may}), headers: {'content-type': 'application/json'}})).json()).token);
  const dan = await person(s, page, {name: 'Dan', room: 'less', color: 'red', asks: 'lesserToken'});
  assert.deepEqual((await dan.state()).sends, ['camera']);
  may = ['watch'];
  await s.crash();
  await dan.until('away', v => v.state === 'reconnecting');
  await s.start();
  await dan.until('back, to watch', v => v.state === 'connected' && v.role === 'viewer' && v.sends.length === 0);
  assert.deepEqual((await dan.log()).filter(e => e.trouble).map(e => e.code), ['forbidden']);
  await dan.leave();
  await s.stop();
}

async function forgotten(page) {
  const s = await forgets(), asked = [];
  const post = (path, body) => fetch(`${s.adminOrigin}/v1/${path}`, {method: 'POST', body: JSON.stringify(body), headers: {'content-type': 'application/json'}});
  await page.exposeFunction('freshToken', async room => {
    asked.push(room);
    return (await (await post('tokens', {room, may: ['publish', 'watch']})).json()).token;
  });
  const cid = await person(s, page, {name: 'Cid', room: 'one', asks: 'freshToken'});
  assert.equal((await post(`rooms/default/one/peers/${cid.peer}/move`, {room: 'two'})).status, 204);
  await cid.logged('moved', e => e.moved === 'two');
  await cid.until('in the other room', v => v.state === 'connected');
  assert.deepEqual(asked, ['one'], 'the move brought its own');
  await s.crash();
  await cid.until('away', v => v.state === 'reconnecting');
  await s.start();
  await cid.until('back', v => v.state === 'connected');
  assert.deepEqual(asked, ['one', 'two']);
  await cid.leave();
  await s.stop();
}

// What was muted and unmuted while a socket was away.
async function mutes(s, page, name, test) {
  const d = await door(s), room = 'muted';
  const host = await person(s, page, {name: 'Host', room, color: 'green', frequency: 440});
  const bob = await person(s, page, {name: 'Bob', room, url: d.origin, color: 'blue', frequency: 1000, data: false});
  const own = async (what, ok) => until(what, async () => {
    const value = await bob.does('own', 'microphone');
    return {value, ok: ok(value)};
  });
  const others = muted => until(`others are told that it is ${muted ? '' : 'not '}muted`, async () => {
    const value = await host.does('remote', 'Bob', 'microphone');
    return {value, ok: value.muted === muted};
  });
  const away = async what => {
    d.is('shut');
    d.cut();
    await bob.until('away', v => v.state === 'reconnecting');
    await what();
    d.is('open');
    await bob.until('back', v => v.state === 'connected');
  };
  await host.hears(bob, [host]);
  await test(`${name}: whom a host mutes while he is away is silent when he is back, and knows it`, async () => {
    await away(async () => assert.equal(await host.does('mute', 'microphone', true, 'Bob'), 'done'));
    await own('told', v => v.muted && v.by === '');
    await sleep(1000); // in which it was undone
    await others(true);
    await host.hearsNot(bob);
    await bob.does('mute', 'microphone', false);
    await others(false);
    await host.hears(bob, [host]);
  });
  await test(`${name}: who mutes himself while he is away is muted after it, for others as well; and who unmutes is heard`, async () => {
    await away(() => bob.does('mute', 'microphone', true));
    await others(true);
    await own('muted by himself', v => v.muted && v.by === null);
    await host.hearsNot(bob);
    await away(() => bob.does('mute', 'microphone', false));
    await others(false);
    await host.hears(bob, [host]);
  });
  await test(`${name}: a mute that the room API takes back opens no microphone: others see that it holds, the page is asked`, async () => {
    const patch = async muted => {
      const at = `${s.adminOrigin}/v1/rooms/default/${room}/peers/${(await bob.state()).me}/tracks/${(await bob.does('own', 'microphone')).id}`;
      assert.equal((await fetch(at, {method: 'PATCH', body: JSON.stringify({muted}), headers: {'content-type': 'application/json'}})).status, 200);
    };
    await patch(true);
    await own('muted by the service', v => v.muted && v.by === '');
    await others(true);
    await patch(false);
    await bob.logged('asked', e => e.asked === 'microphone' && e.by === '');
    await others(true);
    await own('as before', v => v.muted);
    await host.hearsNot(bob);
    await away(() => patch(false));
    await until('asked again', async () => ({ok: (await bob.log()).filter(e => e.asked).length === 2}));
    await others(true);
    await bob.does('mute', 'microphone', false);
    await others(false);
    await host.hears(bob, [host]);
  });
  await bob.leave();
  await host.leave();
  d.close();
}
