// Bad input on the room WebSocket: refused with the stable code, counted, and nobody else notices.

import assert from 'node:assert/strict';
import net from 'node:net';
import {Client, offer} from './client.mjs';
import {minter} from './tokens.mjs';
import {request} from '../attack/rig.mjs';
import {startServer} from '../browser/server.mjs';
import {until} from '../browser/until.mjs';

export default async function ({server, beside, test}) {
  const mint = await minter(server);
  const token = (room, more = {}) => mint({room, ...more});
  // What is counted (docs/operations.md) rises by so much while f goes on, and by no more.
  const counts = async (metric, labels, by, f) => {
    const before = await server.count(metric, labels);
    const ret = await f();
    assert.equal(await server.count(metric, labels) - before, by, `${metric} ${JSON.stringify(labels)}`);
    return ret;
  };
  const failed = (reason, by, f) => counts('sluice_room_requests_failed_total', {reason}, by, f);
  const MALFORMED = ['malformed', 'type', 'too_large'];
  // A request that is refused with the code.
  const refused = (code, f) => failed('refused', 1, () => failed('malformed', MALFORMED.includes(code) ? 1 : 0, f));

  await test('what is no room WebSocket is refused before there is one', async () => {
    const before = await Promise.all(['request', 'method'].map(problem => server.count('sluice_requests_refused_total', {problem})));
    const status = (room, o) => Client.open(server, room, o).then(() => 101, e => e.status);
    assert.equal(await status('r', {protocols: []}), 400);
    assert.equal(await status('r', {protocols: ['other']}), 400);
    assert.equal(await status('.hidden'), 400);
    assert.equal(await status('a%2fb'), 400);
    assert.equal((await request(server, 'POST', '/rooms/r/ws')).status, 405);
    assert.equal((await request(server, 'GET', '/rooms/r/ws')).status, 400);
    const after = await Promise.all(['request', 'method'].map(problem => server.count('sluice_requests_refused_total', {problem})));
    assert.deepEqual(after.map((n, i) => n - before[i]), [5, 1]);
  });

  // [name, fields of join, code]
  const now = Math.floor(Date.now() / 1000);
  const JOINS = [
    ['no token', {}, 'token_missing'],
    ['one that is forged', {token: mint({room: '*'}, 'x'.repeat(32))}, 'token_invalid'],
    ['one that is over', {token: token('r', {exp: now - 60})}, 'token_expired'],
    ['one that is not valid yet', {token: token('r', {nbf: now + 600})}, 'token_early'],
    ['one for another room', {token: token('s')}, 'forbidden'],
    ['one that permits nothing', {token: token('r', {perm: 'dance'})}, 'token_invalid'],
    ['one of no role', {token: token('r', {role: 'king'})}, 'token_invalid'],
    ['one whose name is none', {token: token('r', {sub: 'a/b'})}, 'forbidden'],
    ['another version', {v: 2, token: token('r')}, 'version'],
    ['a name that is too long', {name: 'x'.repeat(129), token: token('r')}, 'too_large'],
    ['metadata that is too long', {metadata: 'x'.repeat(4097), token: token('r')}, 'too_large'],
    ['a room that is not there', {create: false, token: token('r')}, 'no_room'],
  ];
  for (const [name, fields, code] of JOINS) await test(`join by ${name}: ${code}`, async () => {
    const c = await Client.open(server, 'r');
    await refused(code, async () => assert.equal((await c.ask('join', {v: 1, ...fields})).code, code));
    assert.equal((await c.ask('join', {v: 1, token: token('r')})).type, 'joined'); // it may try again
    await c.leave();
  });

  await test('messages that are none, and out of order, change nothing', async () => {
    const c = await Client.join(server, 'bad', {token: token('bad')});
    const says = (message, want, name = message.slice(0, 40)) => refused(want, async () => {
      c.raw(message);
      assert.equal((await c.of('error')).code, want, name);
    });
    for (const text of ['', '{', 'null', '[]', '"join"', '{"type":1}', '{"type":"ping"', '{"type":"ping","id":1.5}',
      '{"type":"offer"}', '{"type":"offer","sdp":1}', '{"type":"mute","track":"x"}', '{"type":"data","text":"\\u0000"}',
      `{"type":"x","${'['.repeat(3000)}`, '['.repeat(100000), '{"type":"ping","type":"ping"}'])
      await says(text, 'malformed');
    await says(Buffer.of(1, 2, 3), 'malformed', 'binary');
    for (const [text, want] of [['{"type":"dance"}', 'type'], ['{"type":"join","v":1}', 'joined'],
      ['{"type":"resume","v":1,"resume":""}', 'joined'], ['{"type":"answer","offer":1,"sdp":""}', 'stale'],
      ['{"type":"subscribe","track":"0000000000000001","on":true}', 'not_found'],
      ['{"type":"role","peer":"a","role":"host"}', 'forbidden'], ['{"type":"offer","sdp":""}', 'sdp'],
      ['{"type":"offer","sdp":"v=0\\r\\no=- 1 1 IN IP4 0.0.0.0\\r\\ns=-\\r\\nt=0 0\\r\\n"}', 'offer']])
      await says(text, want);
    assert.equal((await c.ask('offer', {sdp: offer(['audio'])})).type, 'answer');
    await c.leave();
  });

  await test('a message that is too long ends its socket alone', async () => {
    const c = await Client.join(server, 'long', {token: token('long')});
    await counts('sluice_ws_closed_total', {face: 'public', reason: 'malformed'}, 1, async () => {
      c.raw(`{"type":"ping","x":"${'x'.repeat(256 * 1024)}"}`);
      assert.equal((await c.closed).code, 1009);
    });
  });

  await test('a flood ends its socket alone', async () => {
    const [c, other] = await Promise.all([0, 1].map(() => Client.join(server, 'flood', {token: token('flood')})));
    await failed('flood', 1, async () => {
      for (let i = 0; i < 2000; i++) c.say('ping');
      assert.equal((await c.closed).code, 4005);
    });
    assert.equal((await other.ask('ping')).type, 'pong');
    await other.leave();
  });

  await test('who comes back again and again is refused after a while, and comes back later', async () => {
    let {resume} = (await Client.join(server, 'again', {token: token('again')})).joined;
    let last, n = 0;
    const back = async () => {
      const c = await Client.open(server, 'again');
      const answer = await c.ask('resume', {v: 1, resume});
      if (answer.type !== 'joined') return answer.code;
      resume = answer.resume;
      last = c;
      n++;
    };
    await failed('refused', 1, async () => {
      let code;
      for (const end = Date.now() + 10000; !code && Date.now() < end;) code = await back();
      assert.equal(code, 'too_many');
    });
    assert.ok(n >= 20 && n < 40, `${n} times`);
    await until('him to come back', async () => ({ok: !await back()}));
    await last.leave();
  });

  // [what is said, of so many octets as others hear them]; more of each than a socket may let wait.
  const LOUD = '\u0001'.repeat(16 * 1024);
  const LOUDLY = [
    ['words to one, named again and again', 'data', {to: Array(32).fill('bob'), text: LOUD}],
    ['words to all', 'data', {text: LOUD}],
    ['what others see of one', 'update', {metadata: LOUD.slice(0, 4096)}],
  ];
  for (const [i, [name, type, fields]] of LOUDLY.entries()) await test(`a flood of ${name} is refused, and costs nobody else a word`, async () => {
    const room = `loud-${i}`;
    const [ada, bob, eve] = await Promise.all(['ada', 'bob', 'eve'].map(sub => Client.join(server, room, {token: token(room, {sub})})));
    const said = Promise.all(Array.from({length: 190}, () => ada.ask(type, fields)));
    for (let n = 0; n < 20; n++) {
      assert.equal((await eve.ask('data', {text: `n${n}`})).type, 'done');
      await bob.heard(`n${n}`, m => m.type === 'data' && m.from === 'eve' && m.text === `n${n}`);
    }
    const refused = (await said).filter(m => m.type === 'error');
    assert.ok(refused.length > 100 && refused.every(m => m.code === 'too_many'), `${refused.length} of 190 were refused`);
    for (const c of [ada, bob, eve]) assert.equal((await c.ask('ping')).type, 'pong');
    await Promise.all([ada, bob, eve].map(c => c.leave()));
  });

  await test('who fills a room with metadata is refused what is above his share, and above all: others still join', async () => {
    const loud = LOUD.slice(0, 4096); // 24 kB of JSON
    const wordy = n => ({sdp: offer(['audio']), tracks: Object.fromEntries(Array.from({length: n}, (_, i) => [String(i), {metadata: loud}]))});
    const join = () => Client.join(server, 'wordy', {token: token('wordy')});
    const eight = await Promise.all(Array.from({length: 8}, join));
    const is = (m, detail) => assert.deepEqual([m.type, m.code, m.detail], ['error', 'full', detail]);
    const c = await join();
    assert.equal((await c.ask('update', {metadata: loud})).type, 'done');
    await refused('full', async () => is(await c.ask('offer', wordy(10)), 'metadata'));
    assert.equal((await c.ask('update', {metadata: ''})).type, 'done');
    for (const e of eight) {
      assert.equal((await e.ask('offer', wordy(10))).type, 'answer');
      assert.equal((await e.ask('update', {metadata: LOUD.slice(0, 2600)})).type, 'done');
    }
    await refused('full', async () => is(await c.ask('offer', wordy(10)), 'metadata'));
    await refused('full', async () => is(await c.ask('update', {metadata: loud}), 'metadata'));
    const late = await Client.open(server, 'wordy');
    await refused('full', async () => is(await late.ask('join', {v: 1, token: token('wordy'), metadata: loud}), 'metadata'));
    const joined = await late.ask('join', {v: 1, token: token('wordy'), name: 'Late'}); // it may try again
    assert.equal(joined.peers.length, 9);
    await eight[0].leave();
    assert.equal((await c.ask('offer', wordy(8))).type, 'answer');
    await Promise.all([...eight.slice(1), c, late].map(m => m.leave()));
  });

  await test('one address has no more sockets than it may', async () => {
    const full = {face: 'public', reason: 'full_for_address'}, before = await server.count('sluice_http_refused_total', full);
    const opened = await Promise.allSettled(Array.from({length: 300}, () => Client.open(server, 'many', {from: '127.0.0.5'})));
    const there = opened.filter(o => o.status === 'fulfilled').map(o => o.value);
    assert.ok(there.length <= 256, `${there.length} sockets`);
    assert.equal(await server.count('sluice_http_refused_total', full) - before, opened.length - there.length);
    there.forEach(c => c.socket.terminate());
  });

  await test('pages of others, and who comes when all places are taken, are refused', async () => {
    const [most, ours] = [30, 'https://ours.example'];
    const other = await startServer({name: 'rooms-strict', options: [`--http.allowed_origins=${ours}`, `--limits.connections=${most}`]});
    const status = origin => Client.open(other, 'r', {headers: {origin}}).then(c => (c.socket.terminate(), 101), e => e.status);
    assert.equal(await status(ours), 101);
    for (const origin of ['https://theirs.example', 'null', `${ours}.theirs.example`]) assert.equal(await status(origin), 403, origin);
    assert.equal(await other.count('sluice_requests_refused_total', {problem: 'origin'}), 3);
    const idle = await Promise.all(Array.from({length: 5}, () => new Promise(r => {
      const socket = net.connect(new URL(other.origin).port, '127.0.0.1', () => r(socket));
      socket.on('error', () => {});
    })));
    const mine = await minter(other), there = [];
    while (there.length < most) there.push(await Client.join(other, 'r', {token: mine({room: 'r'})})); // who is idle makes place for them
    const late = await Promise.allSettled(Array.from({length: 10}, () => Client.open(other, 'r')));
    assert.ok(late.every(o => o.status === 'rejected'));
    assert.ok(await other.count('sluice_http_closed_total', {face: 'public', reason: 'evicted'}) >= idle.length);
    assert.equal(await other.count('sluice_http_refused_total', {face: 'public', reason: 'full'}), late.length);
    there.forEach(c => c.socket.terminate());
    await other.stop();
  });

  await test('fifty join and vanish, again and again: all that was theirs is gone in the end', async () => {
    for (let round = 0; round < 4; round++) {
      const all = await Promise.all(Array.from({length: 50}, () => Client.join(server, 'vanish', {token: token('vanish')})));
      await Promise.all(all.map(c => c.ask('offer', {sdp: offer(['audio', 'video'])})));
      await Promise.all(all.map(c => (c.socket.close(1000), c.closed)));
    }
    await until('one room and no members', async () => {
      const value = [await server.count('sluice_rooms'), await server.count('sluice_members')];
      return {ok: value[0] === 1 && value[1] === 0, value};
    });
    await beside.unharmed();
  });
}
