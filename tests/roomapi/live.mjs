// The room API and webhooks of rooms in which people are, by each of the ways: real sockets, and sound.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import {attend, until} from '../attack/rig.mjs';
import {startServer} from '../browser/server.mjs';
import {Client} from '../rooms/client.mjs';
import {agree, comes, comesNot, listener, speaker} from '../rooms/live.mjs';
import {minter} from '../rooms/tokens.mjs';
import {BackEnd, SECRET} from './backend.mjs';
import {conforms, operator, unseen} from './openapi.mjs';

const PRINT = `sha-256 ${Array(32).fill('5A').join(':')}`;

// The members of each event, by the table of docs/webhooks.md: `name`, `name` (a note), or `name`: {its members}.
const TELLS = Object.fromEntries(
  [...fs.readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8').matchAll(/^\| (`\w+`.*?) \| ?(.*?) \| .* \|$/mg)]
    .flatMap(([, types, members]) => [...types.matchAll(/`(\w+)`/g)].map(([, type]) => [type,
      Object.fromEntries([...members.matchAll(/`(\w+)`(?::? [({]([^)}]*)[)}])?/g)].map(([, name, of]) =>
        [name, [...(of ?? '').matchAll(/`(\w+)`/g)].map(([, member]) => member)]))])));

function asPublished(event) {
  const {id, at, type, ...rest} = event, members = TELLS[type];
  assert.ok(members, `nothing is published of ${type}`);
  assert.match(id, /^[0-9a-f]{16}$/);
  assert.ok(Math.abs(Date.now() - at) < 600000, `${at}`);
  if (type === 'server_started') return assert.deepEqual(rest, {});
  const {tenant, room, ...more} = rest;
  conforms({$ref: '#/components/schemas/Room/properties/tenant'}, tenant);
  conforms({$ref: '#/components/schemas/Room/properties/room'}, room);
  assert.deepEqual(Object.keys(more), Object.keys(members), type);
  if (typeof more.peer === 'object') assert.deepEqual(Object.keys(more.peer), TELLS.peer_joined.peer, type);
  if (more.track) {
    assert.deepEqual(Object.keys(more.track), members.track);
    conforms({$ref: '#/components/schemas/Track'}, more.track);
  }
}

export default async function ({test}) {
  const b = new BackEnd();
  await b.start();
  const s = await startServer({name: 'roomapi', options: [`--webhooks.urls=http://127.0.0.1:${b.port}/`,
    `--webhooks.secret=${SECRET}`, '--limits.sessions_per_address=0']});
  const api = operator(s), mint = await minter(s), tenant = 'default', room = 'live', here = {tenant, room};
  const token = (sub, more) => mint({room: '*', sub, ...more});
  let ann, bob, cam, eye;

  await test('who comes by whatever way is shown, with what they send', async () => {
    assert.equal((await api('createRoom', {}, {room, metadata: 'topic', max_bps: 4e6, empty_s: 60})).peers_n, 0);
    ann = await speaker(s, room, {token: token('ann', {name: 'Ann'})});
    bob = await listener(s, room, {token: token('bob', {role: 'host'})});
    cam = await attend(s, 'whip', room, {stream: 'cam'});
    await agree(bob);
    eye = await attend(s, 'whep', room, {stream: 'cam'});
    await comes(bob.peer, ann.peer);
    await comes(eye, cam);
    const {info, peers, more} = await api('showRoom', here);
    assert.deepEqual([info, more], [{...here, metadata: 'topic', locked: false, peers_n: 3, viewers: 1,
      peers_max: 0, publishers_max: 0, max_bps: 4e6, empty_s: 60}, false]);
    assert.deepEqual(peers.map(p => [p.peer, p.name, p.role, p.tracks.map(t => t.source)]),
      [['ann', 'Ann', 'participant', ['microphone']], ['bob', '', 'host', []], ['cam', 'cam', 'participant', ['microphone']]]);
    assert.deepEqual(await api('showPeer', {...here, peer: 'ann'}), peers[0]);
    assert.equal(peers[0].tracks[0].track, ann.track);
    assert.deepEqual((await api('listRooms', {query: {tenant}})).rooms, [info]);
    const [viewer] = (await api('listViewers', here)).viewers;
    assert.deepEqual([viewer.stream, viewer.connected], ['cam', true]);
  });

  await test('the objects of the media plane are those of who is there', async () => {
    const crowd = [], piped = async () => {
      for (const {worker} of (await api('listWorkers')).workers)
        for (const {room: of} of (await api('listRouters', {worker})).routers)
          if (of === room) {
            const {pipes} = await api('listPipes', {worker, ...here});
            if (pipes.length) return {worker, pipes};
          }
      return null;
    };
    // On which worker one lives the kernel decides; of many some have those whom they hear on the other.
    let found;
    while (!(found = await piped()) && crowd.length < 16) crowd.push(await attend(s, 'whep', room, {stream: 'cam'}));
    assert.ok(found, 'nothing is carried from one worker to another');
    const {worker, pipes} = found, [{producer, from}] = pipes;
    assert.notEqual(from, worker);
    const router = await api('showRouter', {worker, ...here});
    assert.equal(router.pipes_n, pipes.length);
    const {transports} = await api('listTransports', {worker, ...here});
    assert.equal(transports.length, router.transports_n);
    const all = await Promise.all(transports.map(t => api('showTransport', {object: t.transport})));
    const heard = all.flatMap(t => t.consumers).find(c => c.producer === producer);
    assert.ok(heard, 'who is carried there is heard there');
    const consumer = await until('packets of it', async () => {
      const value = await api('showConsumer', {object: heard.consumer});
      return {value, ok: value.packets > 0};
    });
    assert.deepEqual([consumer.producer, consumer.transport], [producer, heard.transport]);
    const sent = await api('showProducer', {object: producer});
    assert.ok(sent.pipes.includes(worker) && sent.encodings[0].packets > 0, JSON.stringify(sent));
    assert.equal((await api('showTransport', {object: sent.transport})).transport.worker, from);
    for (const p of crowd) await p.leave();
  });

  for (const way of ['the room WebSocket', 'WHIP']) await test(`a track by ${way} that is muted is heard by nobody, though it is sent; unmuted, it is`, async () => {
    const whip = way === 'WHIP', room = whip ? 'streamed' : 'spoken', here = {tenant, room};
    const from = whip ? await attend(s, 'whip', room, {stream: 'ann'}) : await speaker(s, room, {token: token('ann')});
    const to = whip ? await attend(s, 'whep', room, {stream: 'ann'}) : await listener(s, room, {token: token('ear')});
    const watch = await Client.join(s, room, {token: token('eve')});
    const media = [to, from].map(p => p.peer ?? p), [{track}] = (await api('showPeer', {...here, peer: 'ann'})).tracks;
    const mute = async muted => {
      assert.equal((await api('muteTrack', {...here, peer: 'ann', track}, {muted})).muted, muted);
      assert.equal((await watch.of('track_updated')).track.muted, muted);
    };
    await comes(...media);
    await mute(true);
    await comesNot(...media);
    if (!whip) assert.deepEqual(await from.of('muted'), {type: 'muted', track, muted: true, by: ''});
    await mute(false);
    await comes(...media);
    await Promise.all([...media, watch, ...whip ? [] : [from, to]].map(p => p.leave()));
  });

  await test('a peer is changed: it and the others are told, and may do what it may now', async () => {
    const ann = await Client.join(s, 'changed', {token: token('ann', {name: 'Ann'})}), bob = await Client.join(s, 'changed', {token: token('bob')});
    const peer = {tenant, room: 'changed', peer: 'ann'}, lock = async () => (await ann.ask('lock', {locked: false})).code;
    assert.equal(await lock(), 'forbidden');
    const now = await api('changePeer', peer, {name: 'Anna', role: 'host', metadata: 'x'});
    assert.deepEqual([now.name, now.role, now.metadata], ['Anna', 'host', 'x']);
    const told = (c, role) => c.heard(`that she is ${role}`, m => m.type === 'peer_updated' && m.role === role);
    for (const c of [ann, bob]) {
      const {peer, name, metadata} = await told(c, 'host');
      assert.deepEqual([peer, name, metadata], ['ann', 'Anna', 'x']);
    }
    assert.equal(await lock(), undefined);
    await api('changePeer', peer, {role: 'participant'});
    for (const c of [ann, bob]) await told(c, 'participant');
    assert.equal(await lock(), 'forbidden');
    await Promise.all([ann.leave(), bob.leave()]);
  });

  await test('a room is changed: who is in it is told, and it holds for who comes', async () => {
    await api('changeRoom', here, {metadata: 'other', locked: true});
    for (const c of [ann, bob]) await c.heard('both', m => m.room?.metadata === 'other' && m.room.locked);
    const late = await Client.join(s, room, {token: token('late')});
    assert.equal(late.joined.code, 'locked');
    await assert.rejects(attend(s, 'whip', room, {stream: 'late'}), /locked/);
    assert.equal((await api('changeRoom', here, {locked: false})).metadata, 'other');
    assert.equal((await late.ask('join', {v: 1, token: token('late')})).type, 'joined');
    await late.leave();
  });

  await test('one is spoken to, sent elsewhere, and sent away; a pass and a token are made and taken back', async () => {
    const eve = await Client.join(s, room, {token: token('eve')}), peer = {...here, peer: 'eve'};
    await api('sendData', here, {text: 'hello', to: ['eve']});
    assert.equal((await eve.of('data')).text, 'hello');
    await api('movePeer', peer, {room: 'away'});
    const moved = await eve.of('moved'), there = await Client.join(s, 'away', {token: moved.token});
    await bob.heard('that she is gone', m => m.type === 'peer_left' && m.peer === 'eve');
    await api('removePeer', {...peer, room: 'away', query: {reason: 'noise'}});
    assert.deepEqual([(await there.of('closed')).detail, (await there.closed).code], ['noise', 4001]);
    const {transport} = await api('issuePass', here, {send: ['camera'], fingerprint: PRINT});
    await api('revokePass', {...here, transport});
    const minted = await api('mintToken', {}, {room, may: ['watch'], seconds: 60});
    assert.deepEqual(await api('revokeToken', {}, {token: minted.token}), {jti: minted.jti, ended: 0});
    await attend(s, 'whep', room, {stream: 'cam'});
    const viewers = async () => (await api('listViewers', here)).viewers.map(v => v.viewer), before = await viewers();
    assert.equal(before.length, 2);
    await api('removeViewer', {...here, viewer: before[1]});
    assert.deepEqual(await viewers(), before.slice(0, 1));
    const {roomID} = await api('createAnyRoom');
    await api('closeRoom', {tenant, room: roomID});
  });

  await test('who was moved goes with the token by which he came first', async () => {
    const {token: first} = await api('mintToken', {}, {room: '*', may: ['publish', 'watch'], peer: 'max', name: 'Max', role: 'host', sources: ['microphone']});
    const max = await Client.join(s, room, {token: first});
    assert.deepEqual([max.joined.role, max.joined.name], ['host', 'Max']);
    await api('movePeer', {...here, peer: 'max'}, {room: 'away'});
    const there = await Client.join(s, 'away', {token: (await max.of('moved')).token});
    assert.equal(there.joined.type, 'joined');
    assert.equal((await api('revokeToken', {}, {token: first})).ended, 1);
    assert.deepEqual([(await there.of('closed')).code, (await there.closed).code], ['revoked', 4006]);
  });

  await test('a room is closed: all are told, by whatever way they came, and nothing is left of it', async () => {
    const whep = eye.session.location, whip = cam.session.location;
    await api('closeRoom', {...here, query: {reason: 'late'}});
    for (const c of [ann, bob]) {
      assert.deepEqual([(await c.of('closed')).code, (await c.closed).code], ['room_closed', 4002]);
      await c.peer.leave();
    }
    await comesNot(eye, cam);
    for (const where of [whep, whip]) assert.equal((await fetch(new URL(where, s.origin), {method: 'DELETE'})).status, 404);
    await until('nothing to be left', async () => {
      const value = await Promise.all(['rooms', 'transports', 'viewers'].map(g => s.count(`sluice_${g}`)));
      return {value, ok: value.every(n => n === 0)};
    });
    await Promise.all([cam, eye].map(p => p.leave()));
  });

  await test('each operation that is published was seen to succeed, and answered as published', () => assert.deepEqual(unseen(), []));

  for (const way of ['the room WebSocket', 'WHIP', 'WHEP']) await test(`a token is revoked: who came by it by ${way} is out, and nobody else`, async () => {
    const room = 'revoked', mintOne = (...may) => api('mintToken', {}, {room, may, ...may.includes('watch') && {peer: 'bad'}});
    const good = await attend(s, 'whip', room, {stream: 'good'}), host = await Client.join(s, room, {token: token('host')});
    const bad = await mintOne(...way === 'WHIP' ? ['publish'] : way === 'WHEP' ? ['watch'] : ['publish', 'watch']);
    const one = way === 'the room WebSocket' ? await speaker(s, room, {token: bad.token})
      : await attend(s, way.toLowerCase(), room, {stream: way === 'WHEP' ? 'good' : 'bad', token: bad.token});
    const eye = await attend(s, 'whep', room, {stream: way === 'WHEP' ? 'good' : 'bad'});
    const media = way === 'WHEP' ? [one, good] : [eye, one.peer ?? one];
    await comes(...media);
    assert.deepEqual(await api('revokeToken', {}, {token: bad.token}), {jti: bad.jti, ended: 1});
    await comesNot(...media);
    if (way === 'WHEP') await host.heard('a viewer fewer', m => m.type === 'viewers' && m.count === 1);
    else assert.deepEqual(await host.heard('that it left', m => m.type === 'peer_left' && m.peer === 'bad'), {type: 'peer_left', peer: 'bad', reason: 'revoked'});
    if (one.closed) assert.deepEqual([(await one.of('closed')).code, (await one.closed).code], ['revoked', 4006]);
    else assert.equal((await fetch(new URL(one.session.location, s.origin), {method: 'DELETE'})).status, 404);
    assert.deepEqual((await api('showRoom', {tenant, room})).peers.map(p => p.peer).sort(), ['good', 'host']);
    if (way === 'WHEP') await comes(eye, good);
    await Promise.all([good, eye, host, one.peer ?? one].map(p => p.leave()));
  });

  await test('back ends are told of people and tracks, in order', async () => {
    const ann = await speaker(s, 'told', {token: token('ann', {role: 'host'})});
    await ann.ask('update', {name: 'Anna'});
    await ann.ask('mute', {track: ann.track, muted: true});
    await ann.ask('room', {metadata: 'topic'});
    const cam = await attend(s, 'whip', 'told', {stream: 'cam'});
    await ann.heard('her track', m => m.type === 'track_started');
    await ann.ask('remove', {peer: 'cam', reason: 'noise'});
    await ann.leave();
    await b.until('room_closed told');
    assert.deepEqual(b.heard.filter(e => e.room === 'told').map(e => [e.type, e.peer?.peer ?? e.peer, e.why].filter(x => x).join(' ')),
      ['room_opened', 'peer_joined ann', 'track_started ann', 'peer_updated ann', 'track_updated ann', 'room_updated', 'peer_joined cam',
        'track_started cam', 'track_ended cam', 'peer_left cam removed', 'track_ended ann', 'peer_left ann left', 'room_closed']);
    const of = type => b.heard.findLast(e => e.type === type && e.room === 'told');
    assert.equal(of('peer_updated').peer.name, 'Anna');
    assert.equal(of('track_updated').track.muted, true);
    assert.equal(of('room_updated').metadata, 'topic');
    assert.equal(of('track_started').track.kind, 'audio');
    await Promise.all([ann.peer.leave(), cam.leave()]);
  });
  await test('all that back ends were told was signed, and is as published', () => {
    b.heard.forEach(asPublished);
    assert.equal(b.wrong, 0);
    const types = new Set(b.heard.map(e => e.type));
    assert.deepEqual(Object.keys(TELLS).filter(type => !types.has(type)), []);
  });

  await test('the server ends when told, without a complaint', () => s.stop());
  await b.stop();
}
