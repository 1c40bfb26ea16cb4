// The joining process of document 002, and the dictionary while people of every way come and go.

import assert from 'node:assert/strict';
import {attend, until} from '../attack/rig.mjs';
import {Client} from '../rooms/client.mjs';
import {minter} from '../rooms/tokens.mjs';
import {ROOM, agree, join, occupied, there} from './rig.mjs';

const packets = client => until('sound', async () => {
  const value = await client.peer.look();
  return {value, ok: value.packets > 50 && value.wrong === 0};
});

export default async function ({server, backend, test}) {
  let ann, bob;
  // Its consent ends while all else is tried; see the last test.
  const lost = await join(backend, server, 'lost', 'eve', 'whip');
  await lost.connect();
  await backend.has('lost', occupied({eve: there(true)}));
  await lost.peer.vanish();

  const never = test('one who is expected and never comes is not counted for ever', async () => {
    const dan = await join(backend, server, 'never', 'dan', 'whip');
    await backend.has('never', occupied({dan: there(true, false)}));
    assert.equal((await dan.heard('left')).payload.reason, 'never_up');
    await backend.has('never', null);
    await dan.peer.leave();
  });
  await test('a room is made by its dictionary, and the first who comes is its host', async () => {
    await backend.redis.hSet(`${ROOM}two`, {occupancyCount: 0, occupants: '{}'});
    ann = await join(backend, server, 'two', 'ann', 'whip');
    assert.equal(ann.heardBy, 1, 'one server hears');
    assert.deepEqual([...new Set(ann.types)], ['answer', 'candidate', 'done'], 'in this order');
    assert.ok(ann.candidates.some(c => c.candidate.includes(` ${server.rtc} typ host`)), JSON.stringify(ann.candidates));
    assert.equal(ann.answer.type, 'answer');
    await backend.has('two', occupied({ann: there(true, false)}));
    await ann.connect();
    await backend.has('two', occupied({ann: there(true)}));
    const ttl = await backend.redis.ttl(`${ROOM}two`);
    assert.ok(ttl > 0 && ttl <= 30, `the lease is ${ttl} s`);
  });

  await test('a second one hears the first, and both are in the dictionary', async () => {
    bob = await join(backend, server, 'two', 'bob', 'whep', {isHost: false, name: 'Bob'});
    await bob.connect();
    const sdp = await agree(bob);
    assert.match(sdp, /^a=msid:ann /m);
    await packets(bob);
    await backend.has('two', occupied({ann: there(true), bob: there()}));
    assert.deepEqual([ann, bob].flatMap(c => c.told.filter(m => m.type === 'error')), []);
  });

  await test('people of every way are in one room, and in its dictionary', async () => {
    const mint = await minter(server);
    const cam = await attend(server, 'whip', 'two', {stream: 'cam'});
    const eye = await attend(server, 'whep', 'two', {stream: 'cam'});
    await agree(bob); // who now hears two
    const web = await Client.join(server, 'two', {token: mint({room: 'two', sub: 'web'})});
    assert.deepEqual(web.joined.peers.map(p => [p.peer, p.name]).slice(0, 2), [['ann', ''], ['bob', 'Bob']]);
    await backend.has('two', occupied({ann: there(true), bob: there(), cam: there(), web: there()}, 1));
    const host = await Client.join(server, 'two', {token: mint({room: 'two', sub: 'host', role: 'host'})});
    await backend.has('two', occupied({ann: there(true), bob: there(), cam: there(), web: there(), host: there(true)}, 1));
    await web.leave();
    await eye.leave();
    // A host of another way sends one away.
    assert.equal((await host.ask('remove', {peer: 'bob', reason: 'noise'})).type, 'done');
    assert.deepEqual((await bob.heard('left')).payload, {reason: 'removed', detail: 'noise'});
    await cam.leave();
    await host.leave();
    await backend.has('two', occupied({ann: there(true)}));
    await bob.peer.leave();
  });

  await test('what changes is in the dictionary within a tenth of a second, and the way there', async () => {
    const mint = await minter(server), took = [];
    const until = async is => {
      for (const begun = performance.now(); ; await new Promise(setImmediate))
        if (is(Object.keys((await backend.dictionary('two')).occupants))) return took.push(performance.now() - begun);
    };
    for (let n = 0; n < 20; n++) {
      const web = await Client.join(server, 'two', {token: mint({room: 'two', sub: 'web'})});
      await until(all => all.includes('web'));
      await web.leave();
      await until(all => !all.includes('web'));
    }
    const [median, worst] = [took.length / 2, took.length - 1].map(n => Math.round(took.sort((a, b) => a - b)[n]));
    assert.ok(median <= 150, `${median} ms, of ${took.map(Math.round)}`);
    return `${median} ms, ${worst} at most`;
  });

  await test('a page that is closed has left, and so has who says so; the last one closes the room', async () => {
    const eve = await join(backend, server, 'two', 'eve', 'whip');
    await eve.connect();
    await backend.has('two', occupied({ann: there(true), eve: there()}));
    await eve.peer.leave(); // DTLS says goodbye
    assert.equal((await eve.heard('left')).payload.reason, 'closed');
    await backend.has('two', occupied({ann: there(true)}));
    await ann.say('leave');
    assert.equal((await ann.heard('left')).payload.reason, 'left');
    await backend.has('two', null);
    await ann.peer.leave();
  });

  await test('a room that an operator makes is there, empty; and goes with all who are in it', async () => {
    const ask = (method, path, body) => fetch(`${server.adminOrigin}${path}`, {method,
      ...body && {body: JSON.stringify(body), headers: {'content-type': 'application/json'}}});
    const {roomID} = await (await ask('POST', '/room/create')).json();
    await backend.has(roomID, occupied({}));
    const kim = await join(backend, server, roomID, 'kim', 'whip'); // nobody says who the host is
    await kim.connect();
    await backend.has(roomID, occupied({kim: there(true)}));
    assert.equal((await ask('DELETE', `/v1/rooms/default/${roomID}/peers/kim`)).status, 204);
    assert.equal((await kim.heard('left')).payload.reason, 'removed');
    await kim.peer.leave();
    await ask('DELETE', `/v1/rooms/default/${roomID}`);
    await backend.has(roomID, null);
  });

  await never;
  return () => test('one whose network is gone is not there any more, once its consent has ended', async () => {
    await backend.has('lost', null);
    assert.equal((await lost.heard('left')).payload.reason, 'consent');
  });
}
