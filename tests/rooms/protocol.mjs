// What is said and answered in rooms (docs/rooms.md).

import assert from 'node:assert/strict';
import {Client, offer} from './client.mjs';
import {agree, listener, speaker} from './live.mjs';
import {minter} from './tokens.mjs';
import {request, sleep} from '../attack/rig.mjs';
import {until} from '../browser/until.mjs';

const id = /^[0-9a-f]{16}$/;

export default async function ({server, beside, test}) {
  const mint = await minter(server);
  const token = (room, sub, more = {}) => mint({room, sub, ...more});
  const join = (room, sub, more, fields) => Client.join(server, room, {token: token(room, sub, more), ...fields});

  await test('two meet: each is told of the other, and what the token says holds', async () => {
    const ann = await join('two', 'ann', {role: 'host', name: 'Ann'}, {name: 'Somebody', metadata: '{"hand":false}'});
    assert.deepEqual([ann.joined.peer, ann.joined.name, ann.joined.role, ann.joined.resumed], ['ann', 'Ann', 'host', false]);
    const bob = await join('two', 'bob', {}, {name: 'Bob'});
    assert.deepEqual(bob.joined.peers, [{peer: 'ann', name: 'Ann', role: 'host', metadata: '{"hand":false}', tracks: []}]);
    assert.equal((await ann.of('peer_joined')).peer.name, 'Bob');
    assert.equal((await bob.leave()).code, 1000);
    assert.deepEqual(await ann.of('peer_left'), {type: 'peer_left', peer: 'bob', reason: 'left'});
    await ann.leave();
  });

  await test('an offer is answered with ids of its tracks, and gets its data section', async () => {
    const c = await join('offers', 'ann');
    const a = await c.ask('offer', {sdp: offer(['audio', 'video', 'data']), tracks: {0: {source: 'microphone'}, 1: {source: 'screen'}}});
    assert.equal(a.type, 'answer', JSON.stringify(a));
    assert.match(a.tracks[0], id);
    assert.match(a.tracks[1], id);
    assert.match(a.sdp, /^m=application 9 /m);
    // A restart is just another offer: new credentials, the same tracks.
    const again = await c.ask('offer', {sdp: offer(['audio', 'video', 'data'], {ufrag: 'anew', version: 2})});
    assert.deepEqual(again.tracks, a.tracks);
    const ufrag = sdp => /^a=ice-ufrag:(.*)$/m.exec(sdp)[1];
    assert.notEqual(ufrag(again.sdp), ufrag(a.sdp));
    await c.leave();
  });

  await test('a publisher by WHIP is a peer, and its tracks are offered at once', async () => {
    const c = await join('beside', 'ann');
    const [peer] = c.joined.peers;
    assert.equal(peer.peer, peer.name);
    assert.deepEqual(peer.tracks.map(t => [t.kind, t.source]), [['audio', 'microphone']]);
    assert.equal(c.joined.viewers, 1); // by WHEP
    const o = await c.of('offer');
    assert.equal(o.offer, 1);
    assert.deepEqual(Object.values(o.tracks), [{peer: peer.peer, track: peer.tracks[0].track}]);
    assert.match(o.sdp, new RegExp(`^a=msid:${peer.peer} ${peer.tracks[0].track}`, 'm'));
    assert.match(o.sdp, /^a=candidate:/m);
    await c.leave();
    await beside.unharmed();
  });

  await test('a viewer is one of a number', async () => {
    const host = await join('counted', 'ann', {role: 'host'});
    const viewer = await join('counted', 'eve', {perm: 'watch'});
    assert.deepEqual([viewer.joined.role, viewer.joined.permissions], ['viewer', ['subscribe']]);
    assert.equal((await host.of('viewers')).count, 1);
    assert.equal((await viewer.ask('offer', {sdp: offer(['audio'])})).code, 'forbidden');
    assert.equal((await viewer.ask('data', {text: 'x'})).code, 'forbidden');
    assert.equal((await viewer.ask('watchers')).code, 'forbidden');
    const zoe = await join('counted', 'zoe', {perm: 'watch'}), who = (peer, name = '') => ({peer, name, role: 'viewer', metadata: ''});
    const {watchers, more} = await host.ask('watchers');
    assert.deepEqual([watchers.map(w => w.peer), more], [['eve', 'zoe'], false]);
    assert.deepEqual(watchers[0], who('eve', watchers[0].name));
    assert.deepEqual((await host.ask('watchers', {after: 'eve'})).watchers.map(w => w.peer), ['zoe']);
    assert.equal((await host.ask('watchers', {after: 'nobody'})).code, 'not_found');
    await zoe.leave();
    assert.equal((await host.ask('role', {peer: 'eve', role: 'participant'})).type, 'done');
    assert.deepEqual((await host.ask('watchers')).watchers, []);
    assert.equal((await host.of('peer_joined')).peer.peer, 'eve');
    const self = await viewer.of('peer_updated'); // the token bounds what a role permits
    assert.deepEqual([self.role, self.permissions], ['participant', ['subscribe', 'data']]);
    await Promise.all([host.leave(), viewer.leave()]);
  });

  await test('sources that the token does not name are refused', async () => {
    const c = await join('sources', 'ann', {sources: 'microphone'});
    const r = await c.ask('offer', {sdp: offer(['audio', 'video']), tracks: {1: {source: 'camera'}}});
    assert.deepEqual([r.code, r.detail], ['forbidden', 'tracks']);
    assert.equal((await c.ask('offer', {sdp: offer(['audio']), tracks: {0: {source: 'microphone'}}})).type, 'answer');
    await c.leave();
  });

  const waits = []; // tests that do little but wait, beside the others
  waits.push(test('a connection that never comes up is told to be gone, and its owner may offer again', async () => {
    const c = await join('nobody', 'ann');
    assert.equal((await c.ask('offer', {sdp: offer(['audio'])})).type, 'answer');
    const gone = await c.of('gone');
    assert.deepEqual([gone.of, gone.reason], ['send', 'never_up']);
    assert.equal((await c.ask('offer', {sdp: offer(['audio'], {ufrag: 'next'})})).type, 'answer');
    await c.leave();
  }));

  await test('as many publish as may, by whatever way, and nobody loses what he has', async () => {
    const api = (method, where, body) => fetch(`${server.adminOrigin}/v1/rooms${where}`, {method,
      ...body && {body: JSON.stringify(body), headers: {'content-type': 'application/json'}}});
    const refused = () => server.count('sluice_joins_refused_total', {reason: 'publishers'});
    assert.equal((await api('POST', '', {room: 'few', publishers_max: 1})).status, 201);
    const [ann, bob] = await Promise.all(['ann', 'bob'].map(n => join('few', n)));
    assert.equal((await ann.ask('offer', {sdp: offer(['audio'])})).type, 'answer');
    assert.equal((await bob.ask('offer', {sdp: offer(['data'])})).type, 'answer');
    const before = await refused(), more = {sdp: offer(['data', 'audio'], {version: 2})};
    for (const tracks of [{}, {tracks: {1: {source: 'microphone'}}}]) {
      const r = await bob.ask('offer', {...more, ...tracks});
      assert.deepEqual([r.code, r.detail], ['full', 'publishers']);
    }
    const whip = await request(server, 'POST', '/whip/few/x', {token: token('few'), body: offer(['audio'])});
    assert.deepEqual([whip.status, whip.problem.code], [503, 'full']);
    const pass = {send: ['camera'], fingerprint: `sha-256 ${Array(32).fill('5A').join(':')}`};
    assert.equal((await api('POST', '/default/few/passes', pass)).status, 503);
    assert.equal(await refused(), before + 4);
    assert.equal((await bob.ask('offer', {sdp: offer(['data'], {version: 3})})).type, 'answer');
    assert.equal((await ann.ask('offer', {sdp: offer(['audio', 'video'], {version: 2})})).type, 'answer');
    await ann.leave();
    assert.equal((await bob.ask('offer', more)).type, 'answer');
    await bob.leave();
    assert.equal((await api('DELETE', '/default/few')).status, 204);
  });

  await test('hosts moderate: lock, metadata, remove, close', async () => {
    const host = await join('moderated', 'ann', {role: 'host'});
    const bob = await join('moderated', 'bob');
    assert.equal((await bob.ask('lock', {locked: true})).code, 'forbidden');
    assert.equal((await host.ask('lock', {locked: true})).type, 'done');
    assert.equal((await bob.of('room_updated')).room.locked, true);
    assert.equal((await join('moderated', 'eve')).joined.code, 'locked');
    const whip = await request(server, 'POST', '/whip/moderated/x', {token: token('moderated'), body: offer(['audio'])});
    assert.equal(whip.status, 403, whip.text); // whatever the way
    await host.ask('room', {metadata: 'topic'});
    await bob.heard('the topic', m => m.room?.metadata === 'topic');
    await host.ask('remove', {peer: 'bob', reason: 'noise'});
    const closed = await bob.of('closed');
    assert.deepEqual([closed.code, closed.detail, (await bob.closed).code], ['removed', 'noise', 4001]);
    host.say('close');
    assert.equal((await host.closed).code, 4002);
  });

  await test('data by the WebSocket goes to all, or to those named', async () => {
    const [ann, bob, eve] = await Promise.all(['ann', 'bob', 'eve'].map(n => join('data', n)));
    await ann.ask('data', {text: 'to all \u2028 "\\'});
    for (const c of [bob, eve]) assert.deepEqual(await c.of('data'), {type: 'data', from: 'ann', text: 'to all \u2028 "\\'});
    await ann.ask('data', {text: 'to one', to: ['eve']});
    await ann.ask('data', {text: 'last'});
    assert.equal((await eve.of('data')).text, 'to one');
    for (const c of [bob, eve]) assert.equal((await c.of('data')).text, 'last');
    assert.equal((await ann.ask('data', {text: 'x'.repeat(16385)})).code, 'too_large');
    const post = (where, body) => fetch(`${server.adminOrigin}/v1/rooms/default/data/${where}`, {method: 'POST',
      body: JSON.stringify(body), headers: {'content-type': 'application/json'}});
    assert.equal((await post('data', {text: 'of the service', to: ['eve']})).status, 204);
    assert.equal((await post('data', {text: 'to you all'})).status, 204);
    assert.deepEqual(await eve.of('data'), {type: 'data', from: '', text: 'of the service'});
    for (const c of [ann, bob]) assert.deepEqual(await c.of('data'), {type: 'data', from: '', text: 'to you all'});
    assert.equal((await post('peers/eve/move', {room: 'away'})).status, 204);
    const moved = await eve.of('moved');
    assert.deepEqual([moved.room, (await eve.of('closed')).code, (await eve.closed).code], ['away', 'moved', 4008]);
    const there = await Client.join(server, 'away', {token: moved.token});
    assert.deepEqual([there.joined.peer, there.joined.role], ['eve', eve.joined.role]);
    await Promise.all([ann, bob, there].map(c => c.leave()));
  });

  await test('a socket that is lost is taken up again; one that says goodbye is not', async () => {
    const ann = await join('resumed', 'ann');
    const bob = await join('resumed', 'bob');
    await ann.of('peer_joined');
    bob.socket.terminate();
    const deaf = await Client.open(server, 'resumed'); // is lost before it hears the answer
    const resumed = await server.count('sluice_room_resumed_total');
    deaf.socket.pause();
    deaf.say('resume', {v: 1, resume: bob.joined.resume});
    await until('him to be back', async () => ({ok: await server.count('sluice_room_resumed_total') > resumed}));
    deaf.socket.terminate();
    const again = await Client.open(server, 'resumed');
    again.joined = await again.ask('resume', {v: 1, resume: bob.joined.resume});
    assert.deepEqual([again.joined.type, again.joined.peer, again.joined.resumed], ['joined', 'bob', true]);
    assert.equal((await again.ask('ping')).type, 'pong'); // it knows the next, and the former is used up
    const other = await Client.open(server, 'resumed');
    assert.equal((await other.ask('resume', {v: 1, resume: bob.joined.resume})).code, 'resume');
    assert.equal((await other.ask('resume', {v: 1, resume: again.joined.resume})).resumed, true);
    assert.equal((await again.closed).code, 4003);
    assert.ok(!ann.messages.some(m => m.type === 'peer_left'));
    other.socket.close(1000);
    assert.equal((await ann.of('peer_left')).reason, 'left');
    const late = await Client.open(server, 'resumed');
    assert.equal((await late.ask('resume', {v: 1, resume: other.joined?.resume ?? again.joined.resume})).code, 'resume');
    late.socket.close();
    await ann.leave();
  });

  await test('tracks that start while an offer waits for its answer come together in the next one', async () => {
    const who = n => ({token: token('batch', `peer-${n}`)});
    const first = await speaker(server, 'batch', who(0)), ear = await listener(server, 'batch', {token: token('batch', 'ear')});
    const more = await Promise.all([1, 2, 3, 4, 5].map(n => speaker(server, 'batch', who(n))));
    for (const c of more) await ear.heard('its track', m => m.type === 'track_started' && m.peer === c.joined.peer);
    const offers = () => ear.messages.filter(m => m.type === 'offer');
    assert.equal(offers().length, 1);
    await agree(ear);
    assert.deepEqual(Object.values((await agree(ear)).tracks).map(t => t.peer).sort(), [0, 1, 2, 3, 4, 5].map(n => `peer-${n}`));
    assert.equal((await ear.ask('ping')).type, 'pong');
    assert.deepEqual(offers(), []);
    // As they go: one for the first, one for all who went before it was answered.
    await Promise.all(more.map(c => c.leave()));
    for (const c of more) await ear.heard('it left', m => m.type === 'peer_left' && m.peer === c.joined.peer);
    assert.equal(offers().length, 1);
    await agree(ear);
    assert.deepEqual(Object.values((await agree(ear)).tracks).map(t => t.peer), ['peer-0']);
    await Promise.all([first.leave(), ear.leave(), ...[first, ear, ...more].map(c => c.peer.leave())]);
  });

  waits.push(test('sockets that are lost for 20 s are taken up again, and media has not noticed; after 30 s they are not', async () => {
    const join = name => ({token: token('long', name)});
    const ann = await speaker(server, 'long', join('ann')), bob = await listener(server, 'long', join('bob')), eve = await Client.join(server, 'long', join('eve'));
    const gone = await Client.join(server, 'long', join('gone'));
    const lost = Date.now();
    for (const c of [ann, bob, gone]) c.socket.terminate();
    await bob.peer.mark();
    await sleep(20000);
    const back = [];
    for (const c of [ann, bob]) {
      const again = await Client.open(server, 'long');
      const joined = await again.ask('resume', {v: 1, resume: c.joined.resume});
      assert.deepEqual([joined.type, joined.peer, joined.resumed], ['joined', c.joined.peer, true]);
      assert.deepEqual(joined.peers.map(p => [p.peer, p.tracks.length]).sort(),
        [['ann', 1], ['bob', 0], ['eve', 0], ['gone', 0]].filter(([peer]) => peer !== c.joined.peer));
      back.push(again);
    }
    const [{packets, lost: missed, gap_ms}, {gap_ms: own}] = await Promise.all([bob, ann].map(c => c.peer.look()));
    assert.ok(packets > 3500 && missed === 0, `${missed} of ${packets} lost`);
    assert.ok(gap_ms <= own + 250, `silent for ${gap_ms} ms, the speaker for ${own}`);
    const {peer, reason} = await eve.of('peer_left'), after = Date.now() - lost;
    assert.deepEqual([peer, reason], ['gone', 'lost']);
    assert.ok(after > 29000, `${after} ms`);
    const late = await Client.open(server, 'long');
    assert.equal((await late.ask('resume', {v: 1, resume: gone.joined.resume})).code, 'resume');
    late.socket.close();
    await Promise.all([eve, ...back, ann.peer, bob.peer].map(p => p.leave()));
  }));

  await test('one connection for both ways: who offers while the server does is told so', async () => {
    const c = await join('beside', 'eve', {}, {connections: 1});
    assert.ok(!c.messages.some(m => m.type === 'offer'));
    assert.equal((await c.ask('offer', {sdp: offer(['data'])})).type, 'answer');
    await c.leave();
  });

  await test('two rooms, and two tenants, do not meet', async () => {
    const ann = await join('apart', 'ann');
    const bob = await Client.join(server, 'apart', {token: token('apart', 'bob', {tenant: 'other'})});
    const eve = await join('apart-too', 'eve');
    for (const c of [ann, bob, eve]) assert.deepEqual(c.joined.peers, []);
    await ann.ask('data', {text: 'x'});
    assert.equal((await bob.ask('ping')).type, 'pong');
    for (const c of [ann, bob, eve]) assert.deepEqual(c.messages.filter(m => m.type !== 'pong'), []);
    await Promise.all([ann, bob, eve].map(c => c.leave()));
  });

  await Promise.all(waits);
  await test('rooms that ended leave nothing', async () => {
    await until('one room', async () => {
      const value = await server.count('sluice_rooms');
      return {ok: value === 1, value};
    });
  });
}
