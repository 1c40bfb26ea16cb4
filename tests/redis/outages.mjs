// Redis goes away during a call, and comes back empty; the server dies, and comes back or does not.

import assert from 'node:assert/strict';
import {attend, innocents, until} from '../attack/rig.mjs';
import {startServer} from '../browser/server.mjs';
import {Client} from '../rooms/client.mjs';
import {minter} from '../rooms/tokens.mjs';
import {Backend, OWNED, ROOM, Redis, agree, join, occupied, there, whole} from './rig.mjs';

export default async function ({test}) {
  const redis = await new Redis().start(), backend = await new Backend().start(redis);
  const server = await startServer({name: 'redis-outages', options: [`--redis.address=127.0.0.1:${redis.port}`]});
  const connected = is => until(`redis_connected ${is}`, async () => {
    const value = await server.count('sluice_redis_connected');
    return {value, ok: value === is};
  });
  await connected(1);
  const beside = await innocents(server, 'beside');
  let ann, bob;

  await test('Redis is killed during a call: media goes on, and nobody leaves for it', async () => {
    ann = await join(backend, server, 'call', 'ann', 'whip');
    await ann.connect();
    bob = await join(backend, server, 'call', 'bob', 'whep');
    await bob.connect();
    await agree(bob);
    await until('sound', async () => ({ok: (await bob.peer.look()).packets > 20, value: bob.peer.seen}));
    await Promise.all([beside.mark(), bob.peer.mark()]);
    await redis.kill();
    await connected(0);
    await whole(beside);
    await until('sound', async () => ({ok: (await bob.peer.look()).packets > 20, value: bob.peer.seen}));
    assert.equal(bob.peer.seen.lost, 0);
  });

  await test('it comes back empty: all rooms are written anew, without who left meanwhile', async () => {
    await ann.peer.leave(); // her transport is gone, and with it she
    await until('her to be gone', async () => {
      const value = await server.count('sluice_redis_clients');
      return {value, ok: value === 1};
    });
    await redis.start();
    await backend.has('call', occupied({bob: there()}));
    const [cam] = Object.keys((await backend.dictionary('beside')).occupants);
    assert.deepEqual(await backend.dictionary('beside'), occupied({[cam]: there()}, 1));
    await connected(1);
    await whole(beside);
  });

  await test('clients are heard again, and hear', async () => {
    await until('its back end', async () => ({ok: await backend.publish('x').catch(() => 0) === 1}));
    await until('the back end to hear', async () => ({ok: backend.nameless.length > 0}));
    const eve = await join(backend, server, 'call', 'eve', 'whip');
    await eve.connect();
    await agree(bob);
    await bob.peer.mark();
    await until('sound', async () => ({ok: (await bob.peer.look()).packets > 20, value: bob.peer.seen}));
    await backend.has('call', occupied({bob: there(), eve: there()}));
    await eve.say('leave');
    await eve.peer.leave();
  });

  await test('Redis hangs during a call: media goes on, and what happened meanwhile is in the dictionary when it wakes', async () => {
    const mint = await minter(server), join = sub => Client.join(server, 'call', {token: mint({room: 'call', sub})});
    const eve = await join('eve');
    const fred = await join('fred');
    await backend.has('call', occupied({bob: there(), eve: there(), fred: there()}));
    const ann = await join('ann'), kim = await attend(server, 'whip', 'call', {stream: 'kim'});
    while (!(await agree(bob)).includes('a=msid:kim ')); // who left before was taken out first
    await Promise.all([beside.mark(), bob.peer.mark()]);
    redis.hang();
    const zoe = await join('zoe');
    await fred.leave();
    await connected(0); // since it has not answered for long
    await eve.leave();
    await whole(beside);
    const {packets, lost} = await bob.peer.look();
    assert.ok(packets > 1000 && lost === 0, `${lost} of ${packets} lost`);
    redis.wake();
    await connected(1);
    await backend.has('call', occupied({bob: there(), ann: there(), kim: there(), zoe: there()}));
    await Promise.all([ann, zoe, kim].map(p => p.leave()));
    await backend.has('call', occupied({bob: there()}));
  });

  await test('a dictionary that somebody spoils is mended within the lease', async () => {
    await backend.redis.hSet(`${ROOM}call`, {occupancyCount: 99, occupants: '{"ghost":{}}'});
    await backend.has('call', occupied({bob: there()}));
    await backend.redis.del(`${ROOM}call`);
    await backend.has('call', occupied({bob: there()}));
  });

  await test('the server is killed and comes back: no ghosts', async () => {
    const [cam] = Object.keys((await backend.dictionary('beside')).occupants);
    await backend.redis.set('passwords', 'x');
    await backend.redis.sAdd(OWNED, 'passwords'); // what is no room is not touched, whoever asks for it
    await server.crash();
    assert.deepEqual(await backend.dictionary('beside'), occupied({[cam]: there()}, 1), 'before it is back');
    await backend.redis.persist(`${ROOM}beside`); // so that no lease does the work
    await server.start();
    await backend.has('beside', null);
    await backend.has('call', null);
    assert.equal(await backend.redis.get('passwords'), 'x');
    assert.ok(await server.count('sluice_redis_rooms_removed_total', {reason: 'left_over'}) >= 2);
  });
  await Promise.all([beside.leave(), bob.peer.leave()]);

  await test('one that stops as it should leaves nothing', async () => {
    const kim = await join(backend, server, 'orderly', 'kim', 'whip');
    await kim.connect();
    await backend.has('orderly', occupied({kim: there(true)}));
    await server.stop();
    assert.equal((await kim.heard('left')).payload.reason, 'shutdown');
    await backend.has('orderly', null);
    assert.deepEqual(await backend.redis.keys('sluice:*'), []);
    await kim.peer.leave();
  });

  const forgotten = test('one that is killed and does not come back is forgotten with its lease', async () => {
    const short = await startServer({name: 'redis-lease',
      options: [`--redis.address=127.0.0.1:${redis.port}`, '--redis.lease=9s']});
    const kim = await join(backend, short, 'leased', 'kim', 'whip');
    await kim.connect();
    await backend.has('leased', occupied({kim: there(true)}));
    // It is renewed for as long as somebody is there.
    for (const end = Date.now() + 12000; Date.now() < end; await new Promise(r => setTimeout(r, 100)))
      assert.deepEqual(await backend.dictionary('leased'), occupied({kim: there(true)}));
    await short.crash();
    await backend.has('leased', null);
    await until('the set of names to be gone', async () => ({ok: await backend.redis.exists(OWNED) === 0}));
    await kim.peer.leave();
  });
  return async () => {
    await forgotten;
    backend.stop();
    await redis.kill();
  };
}
