// Rooms apart from each other; and those who come by WHIP, by WHEP and as rtcd's sessions in one with
// members.

import assert from 'node:assert/strict';
import {caller} from '../../browser/calls.mjs';
import {publisher} from '../../browser/participants.mjs';
import {startPlugin} from '../../browser/plugin.mjs';
import {call, hears, sees, until} from '../../browser/rig.mjs';
import {startServer} from '../../browser/server.mjs';
import {minter} from '../tokens.mjs';
import {pageFor, person} from './people.mjs';

export default async function ({server, browsers, test}) {
  const s = await server(), browser = await browsers('chromium'), page = await pageFor(browser);
  await test('two rooms know nothing of each other', async () => {
    const a = await person(s, page, {name: 'A', room: 'apart-a', color: 'red', frequency: 440});
    const b = await person(s, page, {name: 'B', room: 'apart-b', color: 'cyan', frequency: 1000});
    const a2 = await person(s, page, {name: 'A2', room: 'apart-a'}), b2 = await person(s, page, {name: 'B2', room: 'apart-b'});
    await a2.sees(a);
    await b2.sees(b);
    await a2.hears(a, [b]);
    await b.does('send', {text: 'to b'});
    await b2.logged('heard', e => e.data === 'to b');
    for (const p of [a, a2]) {
      assert.equal((await p.state()).peers.length, 1);
      assert.ok(!(await p.log()).some(e => e.data));
    }
    for (const p of [a, a2, b, b2]) await p.leave();
  });
  await test('a member sees who publishes by WHIP, and it goes when that ends', async () => {
    const whip = await publisher(s, browser, {room: 'mixed', color: 'yellow', frequency: 700, id: 77, token: 'none'});
    const member = await person(s, page, {name: 'M', room: 'mixed'});
    const peer = (await member.until('the publisher', v => v.peers.length === 1 && v.peers[0].tracks.length === 2)).peers[0];
    await member.sees({name: peer.name, color: 'yellow', id: 77});
    await member.hears({name: peer.name, frequency: 700});
    await whip.stop();
    await member.until('it went', v => v.peers.length === 0);
    await member.leave();
  });
  await test('a viewer by WHEP sees a member, and is one of a number to it', async () => {
    const member = await person(s, page, {name: 'M', room: 'mixed', color: 'magenta', frequency: 1400});
    const stream = (await until('listed', async () => {
      const {streams} = await (await fetch(`${s.origin}/rooms/mixed/streams`)).json();
      return {value: streams, ok: streams.length === 1};
    }))[0].name;
    const viewer = await browser.page();
    await call(viewer, 'watch', 'sub', {url: s.whep('mixed', stream), token: 'none'});
    await call(viewer, 'connected', 'sub');
    await sees(viewer, 'sub', 'magenta', {id: member.id, timeout: 20000});
    await hears(viewer, 'sub', 1400, {timeout: 20000});
    await member.until('counted', v => v.viewers === 1 && v.peers.length === 0);
    await call(viewer, 'stop', 'sub');
    await member.until('not any more', v => v.viewers === 0);
    await viewer.close();
    await member.leave();
  });
  await test('a session of a call, members, who publishes by WHIP and who watches by WHEP are in one room', async () => {
    const own = await startServer({name: 'rooms-calls', env: {RTCD_API_SECURITY_ALLOWSELFREGISTRATION: 'true'}});
    const plugin = await startPlugin(own.adminOrigin);
    const token = (await minter(own))({tenant: plugin.clientID, room: 'standup'});
    const session = await caller(browser, plugin, 'standup', {color: 'red', frequency: 440, id: 201});
    await session.connected();
    await session.unmute();
    const member = await person(own, page, {name: 'M', room: 'standup', token, color: 'cyan', frequency: 1000});
    const other = (await member.until('the session', v => v.peers.length === 1 && v.peers[0].tracks.length === 1)).peers[0];
    await member.hears({name: other.name, frequency: 440});
    await session.hears(member, [440]);
    await session.share();
    await member.sees({name: other.name, color: 'red', id: 201}, {source: 'screen'});
    const whip = await publisher(own, browser, {room: 'standup', color: 'yellow', frequency: 2500, id: 77, token});
    await session.hears({frequency: 2500});
    const viewer = await browser.page();
    await call(viewer, 'watch', 'sub', {url: own.whep('standup', other.name), token});
    await hears(viewer, 'sub', 440, {absent: [1000, 2500], timeout: 20000});
    await call(viewer, 'stop', 'sub');
    await viewer.close();
    await whip.stop();
    await session.leave();
    await member.until('they went', v => v.peers.length === 0);
    await member.leave();
    plugin.close();
    await own.stop();
  });
  await page.close();
}
