// What is published and not meant well: answered by a code, counted, and nobody else notices.

import assert from 'node:assert/strict';
import {offer} from '../rooms/client.mjs';
import {innocents, until} from '../attack/rig.mjs';
import {REQUESTS, join, occupied, there, whole} from './rig.mjs';

const rows = [
  ['nothing', '', 'malformed', ''],
  ['no JSON', '{', 'malformed', ''],
  ['octets', '\u0000\u0001\ufffd', 'malformed', ''],
  ['no object', '"offer"', 'malformed', ''],
  ['nested without end', '['.repeat(100000), 'malformed', ''],
  ['nobody', {type: 'offer', roomID: 'r', payload: ''}, 'malformed', 'clientID'],
  ['a channel in a name', {type: 'leave', roomID: 'r', clientID: 'a:b'}, 'malformed', 'clientID'],
  ['a path', {type: 'leave', roomID: '../../r', clientID: 'mal'}, 'malformed', 'roomID'],
  ['an endless name', {type: 'leave', roomID: 'r'.repeat(1000), clientID: 'mal'}, 'malformed', 'roomID'],
  ['256 kB and more', {type: 'offer', roomID: 'r', clientID: 'mal', payload: 'x'.repeat(300000)}, 'too_large', ''],
  ['megabytes', 'x'.repeat(8 << 20), 'too_large', ''],
];
const named = [
  ['another type', {type: 'done'}, 'type'],
  ['no type', {}, 'malformed'],
  ['an offer of nothing', {type: 'offer'}, 'malformed'],
  ['of a list', {type: 'offer', payload: [1]}, 'malformed'],
  ['no description', {type: 'offer', payload: 'v=1'}, 'sdp'],
  ['a description of nothing', {type: 'offer', payload: 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n'}, 'offer'],
  ['an answer to nothing', {type: 'answer', payload: 'v=0'}, 'not_joined'],
  ['who is not there', {type: 'leave'}, 'not_joined'],
  ['an endless candidate', {type: 'candidate', payload: 'x'.repeat(2000)}, 'too_large'],
];

export default async function ({server, backend, test}) {
  const beside = await innocents(server, 'beside');
  const refused = reason => server.count('sluice_redis_messages_refused_total', {reason});
  const lost = await server.count('sluice_redis_lost_total');

  for (const [name, message, code, detail] of rows)
    await test(`${name}: ${code}`, async () => {
      backend.nameless.length = 0;
      const before = await refused('malformed');
      await backend.publish(message);
      await until('an error', () => ({ok: backend.nameless.length > 0}));
      assert.deepEqual(backend.nameless[0].payload, {code, detail});
      assert.equal(await refused('malformed'), before + 1);
    });

  for (const [name, message, code] of named)
    await test(`${name}: ${code}`, async () => {
      const c = backend.client('r', 'mal');
      await backend.publish({...message, clientID: 'mal', roomID: 'r'});
      assert.equal((await c.heard('error')).payload.code, code);
      assert.equal(await backend.dictionary('r'), null, 'nobody joined, and no room was made');
    });

  await test('as many publish as may, by whatever way', async () => {
    const api = (method, where, body) => fetch(`${server.adminOrigin}/v1/rooms${where}`, {method,
      ...body && {body: JSON.stringify(body), headers: {'content-type': 'application/json'}}});
    assert.equal((await api('POST', '', {room: 'few', publishers_max: 1})).status, 201);
    const [ann, bob] = ['ann', 'bob'].map(name => backend.client('few', name)), before = await refused('meaning');
    await ann.say('offer', offer(['audio']));
    await ann.heard('answer');
    await bob.say('offer', offer(['audio']));
    assert.deepEqual((await bob.heard('error')).payload, {code: 'full', detail: 'publishers'});
    await ann.say('offer', offer(['audio', 'video'], {version: 2})); // who does already
    await ann.heard('answer');
    assert.equal(await refused('meaning'), before + 1);
    await ann.say('leave');
    await ann.heard('left');
    assert.equal((await api('DELETE', '/default/few')).status, 204);
    await backend.has('few', null);
  });

  await test('what is not for us is not looked at', async () => {
    await backend.redis.publish(`${REQUESTS}x`, JSON.stringify({type: 'leave', clientID: 'mal', roomID: 'r'}));
    await backend.publish('last');
    await until('the last', () => ({ok: backend.nameless.length > 0}));
  });

  await test('a client that floods is not heard, and all others are', async () => {
    const ann = await join(backend, server, 'flood', 'ann', 'whip');
    await ann.connect();
    await beside.mark();
    for (let i = 0; i < 10; i++)
      await Promise.all(Array.from({length: 500}, () => ann.say('answer', 'v=0')));
    const bob = await join(backend, server, 'flood', 'bob', 'whep');
    await backend.has('flood', occupied({ann: there(true), bob: there(false, false)}));
    await until('it to be counted', async () => {
      const value = await refused('flooded');
      return {value, ok: value > 1000};
    });
    await whole(beside);
    for (const c of [ann, bob]) {
      await until('its turn', async () => {
        await c.say('leave');
        return {ok: c.told.some(m => m.type === 'left')};
      });
      await c.peer.leave();
    }
    await backend.has('flood', null);
  });

  await test('a thousand who say that they come and do not are gone in time', async () => {
    const most = 1000;
    for (let i = 0; i < most; i++)
      await backend.publish({type: 'offer', clientID: `half-${i}`, roomID: `half-${i % 10}`, payload: offer(['audio', 'video'], {ufrag: `half${i}`})});
    await until('them to be there', async () => {
      const value = await server.count('sluice_redis_joined_total');
      return {value, ok: value >= most};
    });
    await whole(beside);
    await until('them to be gone', async () => {
      const value = await server.count('sluice_redis_clients');
      return {value, ok: value === 0};
    }, 30000);
    for (let i = 0; i < 10; i++) await backend.has(`half-${i}`, null);
  });

  await test('the connection held, and the stream beside all this lost nothing', async () => {
    assert.equal(await server.count('sluice_redis_lost_total'), lost);
    assert.equal(await server.count('sluice_redis_commands_refused_total'), 0);
    await whole(beside);
  });
  await beside.leave();
}
