// What hosts do to others, and what those do not may not.

import assert from 'node:assert/strict';
import {call, COLORS, until} from '../../browser/rig.mjs';
import {minter} from '../tokens.mjs';
import {inPage, pageFor, person} from './people.mjs';

const closed = log => log.find(e => e.state === 'closed').code;

export default async function ({server, guarded, browsers, test}) {
  const s = await server(), browser = await browsers('chromium');
  const page = await pageFor(browser), other = await pageFor(browser);
  const host = await person(s, page, {name: 'Host', room: 'hosted', color: 'green', frequency: 440});
  const guest = await person(s, other, {name: 'Guest', room: 'hosted', color: 'red', frequency: 1000});
  await host.hears(guest, [host]);
  await test('a host mutes: nobody hears it, its owner is told by whom, and unmutes', async () => {
    assert.equal(await host.does('mute', 'microphone', true, 'Guest'), 'done');
    const own = await until('told', async () => {
      const value = await guest.does('own', 'microphone');
      return {value, ok: value.muted};
    });
    assert.equal(own.by, 'Host');
    await host.hearsNot(guest);
    await guest.does('mute', 'microphone', false);
    await host.hears(guest, [host]);
  });
  await test('a guest who tries the same is refused', async () => {
    assert.equal(await guest.does('mute', 'microphone', true, 'Host'), 'forbidden');
    assert.equal(await guest.does('peer', 'Host', 'remove'), 'forbidden');
    assert.equal(await guest.does('room', 'setLocked', true), 'forbidden');
    assert.equal(await guest.does('room', 'close'), 'forbidden');
    await guest.sees(host);
  });
  await test('a locked room lets nobody in, until it is opened', async () => {
    assert.equal(await host.does('room', 'setLocked', true), 'done');
    await guest.until('told', v => v.locked);
    assert.equal((await inPage(page, 'join', {name: 'Late', room: 'hosted', url: s.origin})).refused, 'locked');
    await host.does('room', 'setLocked', false);
    await guest.until('told', v => !v.locked);
  });
  await test('a guest who is made a viewer sends nothing any more, and sees on', async () => {
    assert.equal(await host.does('peer', 'Guest', 'setRole', 'viewer'), 'done');
    await guest.until('told', v => v.role === 'viewer' && v.sends.length === 0);
    assert.deepEqual((await guest.does('numbers')).send.sending, []);
    await host.logged('its tracks end', e => e.ended === 'Guest/camera');
    assert.deepEqual((await guest.log()).filter(e => e.trouble), []);
    await guest.sees(host);
  });
  await test('a viewer who is made a participant again may write, and is written to', async () => {
    assert.equal(await guest.does('send', {text: 'as a viewer'}), 'forbidden');
    assert.equal(await host.does('promote', 'Guest', 'participant'), 'done');
    await guest.until('told', v => v.role === 'participant');
    assert.equal(await guest.does('send', {text: 'here I am'}), true);
    await host.logged('heard', e => e.data === 'here I am' && e.from === 'Guest');
    assert.equal(await host.does('send', {text: 'welcome'}), true);
    await guest.logged('heard', e => e.data === 'welcome');
  });
  await test('who is removed is told why, and does not come back by itself', async () => {
    const third = await person(s, other, {name: 'Third', room: 'hosted'});
    assert.equal(await host.does('peer', 'Third', 'remove', 'noise'), 'done');
    assert.equal(closed(await third.logged('closed', e => e.state === 'closed')), 'removed');
    await host.logged('gone', e => e.left === 'Third' && e.reason === 'removed');
  });
  await test('an operator moves a guest: it is seen in the other room, with what it published, and here no more', async () => {
    const away = await person(s, page, {name: 'Away', room: 'elsewhere', color: 'blue', frequency: 2000});
    const moves = await person(s, other, {name: 'Moves', room: 'hosted', color: 'yellow'});
    await host.sees(moves);
    const {peers} = await (await fetch(`${s.adminOrigin}/v1/rooms/default/hosted`)).json();
    const {peer} = peers.find(p => p.name === 'Moves');
    const post = (where, body) => fetch(`${s.adminOrigin}/v1/rooms/default/${where}`, {method: 'POST', body: JSON.stringify(body),
      headers: {'content-type': 'application/json'}});
    assert.equal((await post(`hosted/peers/${peer}/move`, {room: 'elsewhere'})).status, 204);
    await away.sees(moves);
    await moves.sees(away);
    await host.logged('it went', e => e.left === 'Moves' && e.reason === 'moved');
    assert.equal((await post(`hosted/peers/${peer}/move`, {room: 'elsewhere'})).status, 404);
    await Promise.all([away, moves].map(p => p.leave()));
  });
  await test('a room that is closed sends everybody away', async () => {
    assert.match(await host.does('room', 'close'), /done|room_closed/);
    assert.equal(closed(await guest.logged('closed', e => e.state === 'closed')), 'room_closed');
    await host.logged('closed', e => e.state === 'closed');
  });

  const g = await guarded(), room = 'guarded';
  const mint = async may => (await (await fetch(`${g.adminOrigin}/v1/tokens`, {method: 'POST', body: JSON.stringify({room: 'risen', may}),
    headers: {'content-type': 'application/json'}})).json()).token;
  for (const connections of [2, 1]) await test(`who came to watch, and is made a participant, writes and is written to (connections: ${connections})`, async () => {
    const chair = await person(g, page, {name: 'Chair', room: 'risen', color: 'green', token: await mint(['admin'])});
    const eve = await person(g, other, {name: 'Eve', room: 'risen', connections, token: await mint(['watch'])});
    await eve.sees(chair);
    assert.equal(await chair.does('promote', 'Eve', 'participant'), 'done');
    await eve.until('told', v => v.role === 'participant');
    assert.equal(await eve.does('send', {text: 'here I am'}), true);
    await chair.logged('heard', e => e.data === 'here I am' && e.from === 'Eve');
    assert.equal(await chair.does('send', {text: 'welcome'}), true);
    await eve.logged('heard', e => e.data === 'welcome' && e.from === 'Chair');
    await eve.sees(chair);
    await eve.leave();
    await chair.leave();
  });
  const join = async (token, more = {}) => inPage(page, 'join', {name: 'x', room, url: g.origin, token, ...more});
  await test('without a token, or with one that is forged or of another room, nobody comes in', async () => {
    const token = await g.token({room, publish: true, watch: true});
    assert.equal((await join()).refused, 'token_missing');
    assert.equal((await join(token.replace(/.{6}$/, 'AAAAAA'))).refused, 'token_invalid');
    assert.equal((await join(await g.token({room: 'elsewhere', watch: true}))).refused, 'forbidden');
  });
  await test('a token to watch makes a viewer: it is counted, sees, and may neither send nor speak', async () => {
    const sender = await person(g, page, {name: 'Sender', room, color: 'blue', token: await g.token({room, publish: true, watch: true})});
    const viewer = await person(g, other, {name: 'Viewer', room, token: await g.token({room, watch: true})});
    assert.equal(viewer.role, 'viewer');
    await viewer.sees(sender);
    await sender.until('counted', v => v.viewers === 1 && v.peers.length === 0);
    assert.equal((await viewer.publish({source: 'camera'})).refused, 'forbidden');
    assert.equal(await viewer.does('send', {text: 'hi'}), 'forbidden');
    await viewer.sees(sender);
    await viewer.leave();
    await sender.leave();
  });
  for (const connections of [2, 1]) await test(`a viewer reads what others write, and what it writes is refused (connections: ${connections})`, async () => {
    const sender = await person(g, page, {name: 'Sender', room: 'lecture', token: await g.token({room: 'lecture', publish: true, watch: true})});
    const viewer = await person(g, other, {name: 'Viewer', room: 'lecture', connections, token: await g.token({room: 'lecture', watch: true})});
    for (const lossy of [false, true]) await until('it to be read', async () => {
      await sender.does('send', {text: 'welcome', lossy});
      const value = await viewer.log();
      return {value, ok: value.some(e => e.data === 'welcome' && e.from === 'Sender' && e.lossy === lossy)};
    });
    await sender.does('send', {octets: 256_000});
    await viewer.logged('256000 octets', e => e.data === 256_000);
    const failed = () => g.count('sluice_room_requests_failed_total', {reason: 'refused'}), before = await failed();
    for (const lossy of [false, true]) assert.equal(await viewer.does('send', {text: 'hi', lossy, anyway: true}), true);
    await until('both to be refused', async () => ({ok: await failed() === before + 2}));
    await sender.does('send', {text: 'the last'});
    await viewer.logged('the last', e => e.data === 'the last');
    assert.deepEqual((await sender.log()).filter(e => e.data), []);
    await viewer.leave();
    await sender.leave();
  });
  for (const kind of ['chromium', 'firefox']) await test(`${kind}: of a camera and a microphone at once only what the token leaves out is refused`, async () => {
    const at = kind === 'chromium' ? other : await pageFor(await browsers(kind)), claims = await minter(g);
    const looks = await person(g, page, {name: 'Looks', room, color: 'blue', token: await g.token({room, publish: true, watch: true})});
    for (const [n, sources, refused] of [[1, 'camera', 'microphone'], [2, 'microphone', 'camera']]) {
      const some = await person(g, at, {name: `Some${n}`, room, token: claims({room, sub: `some-${kind}-${n}`, sources})});
      Object.assign(some, {color: 'red', frequency: 1000, id: 240 + n});
      await call(at, 'make', {name: some.name, color: COLORS.red, frequency: 1000, id: some.id, width: 640, height: 360, fps: 15});
      for (let i = 0; i < 3; i++) {
        const said = Object.fromEntries(await Promise.all(['camera', 'microphone'].map(async source =>
          [source, await some.publish({source, from: some.name, how: source === 'camera' ? 'simulcast' : undefined})])));
        assert.equal(said[refused].refused, 'forbidden');
        assert.match(said[sources], /^[0-9a-f]{16}$/, JSON.stringify(said));
        if (i === 0 && sources === 'camera') await until('both of its sizes', async () => {
          const {encodings} = await (await fetch(`${g.adminOrigin}/v1/producers/${said.camera}`)).json();
          return {value: encodings, ok: encodings.length === 2};
        });
        if (i < 2) {
          await some.does('unpublish', sources);
          await looks.until('ended', v => v.peers.every(p => p.tracks.length === 0));
          await call(at, 'make', {name: some.name, color: COLORS.red, frequency: 1000, id: some.id, width: 640, height: 360, fps: 15});
        }
      }
      await looks[sources === 'microphone' ? 'hears' : 'sees'](some);
      await some.leave();
    }
    await looks.leave();
    if (at !== other) await at.close();
  });
  await test('a token is revoked: its holder is out, its picture gone, and it does not come back by itself', async () => {
    const post = async (where, body) => (await fetch(`${g.adminOrigin}/v1/${where}`, {method: 'POST', body: JSON.stringify(body),
      headers: {'content-type': 'application/json'}})).json();
    const token = await g.token({room, publish: true, watch: true}), {token: bad} = await post('tokens', {room, may: ['publish', 'watch']});
    const stays = await person(g, page, {name: 'Stays', room, color: 'blue', token}), goes = await person(g, other, {name: 'Goes', room, color: 'red', token: bad});
    await stays.sees(goes);
    await goes.sees(stays);
    assert.equal((await post('revocations', {token: bad})).ended, 1);
    assert.equal(closed(await goes.logged('closed', e => e.state === 'closed')), 'revoked');
    await stays.logged('its camera ended', e => e.ended === 'Goes/camera');
    await stays.logged('it left', e => e.left === 'Goes' && e.reason === 'revoked');
    await until('its transports to be gone', async () => {
      const value = await g.count('sluice_transports');
      return {value, ok: value <= 2};
    });
    assert.equal((await join(bad)).refused, 'token_invalid');
    await stays.leave();
  });
  await page.close();
  await other.close();
}
