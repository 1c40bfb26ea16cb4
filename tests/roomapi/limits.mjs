// What rooms are limited to, met by real sockets; and rooms that are kept while nobody is in them.

import assert from 'node:assert/strict';
import {attend, offer, request, until} from '../attack/rig.mjs';
import {startServer} from '../browser/server.mjs';
import {Client} from '../rooms/client.mjs';
import {comes, comesNot, listener, speaker} from '../rooms/live.mjs';
import {minter} from '../rooms/tokens.mjs';
import {operator} from './openapi.mjs';

const KEPT = 3000, LOW = 20000; // ms; bits/s, far below what a speaker sends, and what is passed over without a word

export default async function ({test}) {
  const s = await startServer({name: 'limits', options: ['--limits.room_peers=3', '--limits.room_publishers=2',
    '--rooms.hosts_create=true', `--rooms.empty_time=${KEPT}ms`, '--limits.sessions_per_address=0']});
  const api = operator(s), mint = await minter(s), tenant = 'default';
  const token = (sub, role) => mint({room: '*', sub, ...role && {role}});
  const join = (room, sub, role, more) => Client.join(s, room, {token: token(sub, role), ...more});
  const http = (way, room) => request(s, 'POST', way === 'whip' ? `/whip/${room}/x` : `/whep/${room}`,
    {token: token(), body: offer({direction: way === 'whip' ? 'sendonly' : 'recvonly'})});
  const show = room => fetch(`${s.adminOrigin}/v1/rooms/${tenant}/${room}`);

  await test('where hosts alone make rooms others find none, come in when it is made, and lose nothing by asking', async () => {
    const early = await join('hosts', 'bob');
    assert.deepEqual([early.joined.type, early.joined.code], ['error', 'no_room']);
    assert.deepEqual([(await http('whip', 'hosts')).problem.code, (await http('whep', 'hosts')).problem.code], ['no-room', 'no-room']);
    assert.equal((await show('hosts')).status, 404);
    const host = await join('hosts', 'ann', 'host');
    assert.equal(host.joined.type, 'joined');
    assert.equal((await early.ask('join', {v: 1, token: token('bob')})).type, 'joined');
    await Promise.all([host.leave(), early.leave()]);
  });

  for (const [who, most, make] of [
    ['the server', 3, () => {}],
    ['the room', 2, room => api('createRoom', {}, {room, peers_max: 2})],
  ]) await test(`as many are in a room as ${who} says, by whatever way, and who leaves makes place`, async () => {
    const room = `full-${most}`, refused = () => s.count('sluice_joins_refused_total', {reason: 'limit'});
    await make(room);
    const ann = await speaker(s, room, {token: token('ann', 'host')}), cam = await attend(s, 'whip', room, {stream: 'cam'});
    const more = await Promise.all(Array.from({length: most - 2}, (_, i) => join(room, `more-${i}`)));
    assert.equal((await (await show(room)).json()).info.peers_n, most);
    const before = await refused(), late = await join(room, 'late');
    assert.equal(late.joined.code, 'full');
    for (const way of ['whip', 'whep']) {
      const r = await http(way, room);
      assert.deepEqual([r.status, r.problem.code], [503, 'full'], way);
    }
    assert.equal(await refused(), before + 3);
    assert.equal((await join(room, 'ann', 'host')).joined.type, 'joined', 'who is there comes again');
    assert.equal((await ann.closed).code, 4003);
    await cam.leave();
    await until('place', async () => {
      const value = await late.ask('join', {v: 1, token: token('late')});
      return {value, ok: value.type === 'joined'};
    });
    await ann.peer.leave();
    await api('closeRoom', {tenant, room});
    await Promise.all([late, ...more].map(c => c.closed));
  });

  await test('as many publish as the server says, and whoever is connected goes on', async () => {
    const room = 'publishers', ann = await speaker(s, room, {token: token('ann', 'host')});
    const cam = await attend(s, 'whip', room, {stream: 'cam'}), bob = await listener(s, room, {token: token('bob')});
    const refused = await bob.ask('offer', {sdp: offer()});
    assert.deepEqual([refused.code, refused.detail], ['full', 'publishers']);
    await comes(bob.peer, ann.peer);
    await cam.leave();
    await bob.of('peer_left');
    assert.equal((await bob.ask('offer', {sdp: offer()})).type, 'answer');
    await api('closeRoom', {tenant, room});
    await Promise.all([ann.peer, bob.peer].map(p => p.leave()));
  });

  for (const way of ['the room WebSocket', 'WHIP']) await test(`who sends more than the room has for one by ${way}, whatever it is told, is kept back where it comes in`, async () => {
    const room = `narrow-${way.length}`, excess = () => s.count('sluice_excess_packets_total'), before = await excess();
    await api('createRoom', {}, {room, max_bps: LOW});
    const from = way === 'WHIP' ? await attend(s, 'whip', room, {stream: 'ann'}) : await speaker(s, room, {token: token('ann')});
    const to = await attend(s, 'whep', room, {stream: 'ann'}), media = [to, from.peer ?? from];
    const [{track}] = (await api('showPeer', {tenant, room, peer: 'ann'})).tracks;
    const {transport} = await api('showProducer', {object: track});
    assert.equal((await api('showTransport', {object: transport})).transport.max_bps, LOW);
    await comesNot(...media);
    assert.ok(await excess() > before);
    await fetch(`${s.adminOrigin}/admin/transports/${transport}`, {method: 'POST', body: '{"max_bps":0}',
      headers: {'content-type': 'application/json'}});
    await comes(...media);
    await api('closeRoom', {tenant, room});
    await Promise.all([to, from.peer ?? from].map(p => p.leave()));
  });

  await test('a room that all have left is kept as it was for a while, and then is gone', async () => {
    const room = 'kept', host = await join(room, 'ann', 'host');
    await host.ask('room', {metadata: 'topic'});
    await host.ask('lock', {locked: true});
    await host.leave();
    const {info} = await (await show(room)).json();
    assert.deepEqual([info.metadata, info.locked, info.peers_n], ['topic', true, 0]);
    assert.equal((await join(room, 'bob')).joined.code, 'locked');
    const again = await join(room, 'ann', 'host', {create: false});
    assert.deepEqual(again.joined.room, {name: room, metadata: 'topic', locked: true});
    await again.leave();
    const left = Date.now();
    await until('it to be gone', async () => ({ok: (await show(room)).status === 404}));
    const after = Date.now() - left;
    assert.ok(after > KEPT - 500 && after < KEPT + 1000, `gone after ${after} ms`);
    assert.equal((await join(room, 'ann', 'host', {create: false})).joined.code, 'no_room');
    const anew = await join(room, 'ann', 'host');
    assert.deepEqual(anew.joined.room, {name: room, metadata: '', locked: false});
    await anew.leave();
  });

  await test('the server ends when told, without a complaint', () => s.stop());
}
