// Coming and going, with a server that is made up: who leaves leaves nothing behind.

import assert from 'node:assert/strict';
import {sleep, until} from '../browser/until.mjs';

const SOON = 40; // ms that the network takes

const joined = ({id, type}, n) => ({type: 'joined', id, v: 1, peer: `p${n}`, name: '', role: 'participant', metadata: '',
  permissions: ['subscribe'], resume: `again-${n}`, resumed: type === 'resume', room: {name: 'r', metadata: '', locked: false},
  peers: [], viewers: 0, tracks: [], ice_servers: []});

// All sockets that were made since, and what was said on them. is(how): 'open'; 'shut': nobody
// is reached; 'new': it knows nobody; 'mute': it answers nothing.
function network() {
  const sockets = [];
  let way = 'open';
  class Fake {
    static OPEN = 1;
    readyState = 0;
    said = [];
    constructor() {
      const n = sockets.push(this);
      const later = f => setTimeout(() => this.readyState === 3 || f(), SOON);
      this.answer = m => later(() => this.onmessage?.({data: JSON.stringify(way === 'new' && m.resume ?
        {type: 'error', id: m.id, code: 'resume'} : joined(m, n))}));
      later(() => {
        if (way === 'shut') return this.lose();
        this.readyState = 1;
        this.onopen?.();
      });
    }
    send(text) {
      const m = JSON.parse(text);
      this.said.push(m.resume ? `${m.type} ${m.resume}` : m.type);
      if (way !== 'mute' && (m.type === 'join' || m.type === 'resume')) this.answer(m);
    }
    close(code) {
      this.readyState = 3;
      this.code = code;
    }
    lose() {
      this.readyState = 3;
      this.onclose?.({wasClean: false});
    }
  }
  Object.assign(globalThis, {WebSocket: Fake, MediaStream: class {}, RTCPeerConnection: class {
    addEventListener() {}
    close() {}
  }});
  return {sockets, is: how => { way = how; }, open: () => sockets.filter(s => s.readyState !== 3).length};
}

export default async function ({test}) {
  const kept = ['WebSocket', 'MediaStream', 'RTCPeerConnection'].map(name => [name, globalThis[name]]);
  const {Room} = await import('../../sdk/js/src/room.js'), {Socket} = await import('../../sdk/js/src/socket.js');
  const made = (options = {}) => new Room({url: 'http://x', room: 'r', data: false, ...options});
  const said = done => done.then(() => 'in', e => e.code);
  // n: ms after which one leaves: before the socket is open, and when it is.
  for (const n of [SOON / 2, SOON * 1.5]) await test(`joining: who leaves after ${n} ms and joins anew is in the room once`, async () => {
    const net = network(), room = made(), first = said(room.connect());
    await sleep(n);
    await room.leave();
    const second = said(room.connect());
    assert.deepEqual([await first, await second], ['left', 'in']);
    await sleep(SOON * 5);
    assert.equal(room.state, 'connected');
    assert.equal(net.open(), 1);
    await room.leave();
    assert.equal(net.open(), 0);
    for (const {said: words} of net.sockets) assert.ok(words.length === 0 || words.at(-1) === 'leave', words.join());
  });
  await test('joining: who leaves while a token is fetched is not joined when it comes', async () => {
    const net = network(), room = made({token: () => sleep(SOON).then(() => 'token')}), first = said(room.connect());
    await room.leave();
    assert.equal(await first, 'left');
    assert.equal(net.sockets.length, 0);
    assert.equal(room.state, 'closed');
  });
  await test('joining: who leaves when told of it is not in the room', async () => {
    const net = network(), room = made();
    room.on('state', state => state === 'connected' && room.leave());
    assert.equal(await said(room.connect()), 'left');
    assert.deepEqual([room.state, net.open()], ['closed', 0]);
  });
  await test('joining: who leaves hears nothing of a connection that was lost', async () => {
    network();
    const room = made(), states = [];
    await room.connect();
    room.on('state', (state, error) => states.push(`${state} ${error?.code}`));
    await room.leave();
    assert.deepEqual(states, ['closed left']);
  });
  await test('joining: who leaves while the socket is away says so as soon as the server can be reached', async () => {
    const net = network(), room = made(), [joins] = (await room.connect(), net.sockets);
    net.is('shut');
    joins.lose();
    assert.equal(room.state, 'reconnecting');
    await room.leave();
    await until('it was tried', async () => ({value: net.sockets.length, ok: net.sockets.length > 1 && net.open() === 0}));
    net.is('open');
    const last = await until('told', async () => ({value: net.sockets.map(s => s.said), ok: net.sockets.at(-1).said.includes('leave')}));
    assert.deepEqual(last.at(-1), ['resume again-1', 'leave']);
    assert.deepEqual([room.state, net.open()], ['closed', 0]);
    const {length} = net.sockets;
    await sleep(1500);
    assert.equal(net.sockets.length, length, 'once is enough');
  });
  await test('joining: who leaves when told that the socket is away is not joined again', async () => {
    const net = network(), room = made();
    await room.connect();
    room.on('state', state => state === 'reconnecting' && room.leave());
    net.sockets[0].lose();
    await until('told', async () => ({value: net.sockets.map(s => s.said), ok: net.sockets.at(-1).said.includes('leave')}));
    await sleep(SOON * 5);
    assert.deepEqual(net.sockets.map(s => s.said.join()), ['join', 'resume again-1,leave']);
    assert.deepEqual([room.state, net.open()], ['closed', 0]);
  });
  // The server may be slow, and do it after all: so it is told by how the socket ends.
  for (const [type, code] of [['join', 1000], ['resume', 4999]]) await test(`joining: where a ${type} is not answered, the socket ends by ${code}`, async () => {
    const net = network();
    net.is('mute');
    await assert.rejects(Socket.open('ws://x', {type}, {timeout: SOON * 2}), {code: 'no_answer'});
    assert.deepEqual(net.sockets.map(s => s.code), [code]);
  });
  await test('joining: where the server stays away, that comes to an end', async () => {
    const net = network(), room = made();
    await room.connect();
    net.is('shut');
    net.sockets[0].lose();
    await room.leave();
    await until('tried', async () => ({value: net.sockets.length, ok: net.sockets.length === 6}));
    await sleep(4500);
    assert.equal(net.sockets.length, 6);
  });
  await test('joining: a token is asked for where one is needed, and again where it cannot be had for the moment', async () => {
    const answers = [() => 'one', () => { throw new TypeError('Failed to fetch'); }, () => 'two'], net = network();
    const room = made({token: async () => answers.shift()()});
    const lose = async () => {
      net.sockets.at(-1).lose();
      await until('back', async () => ({value: room.state, ok: room.state === 'connected' || room.state === 'closed'}));
      assert.equal(room.state, 'connected');
    };
    await room.connect();
    await lose();
    assert.equal(answers.length, 2, 'who resumes needs none');
    net.is('new');
    await lose();
    assert.equal(answers.length, 0);
    assert.deepEqual(net.sockets.map(s => s.said.join()), ['join', 'resume again-1', 'resume again-2', 'join']);
    await room.leave();
    const refused = made({token: async () => { throw new TypeError('Failed to fetch'); }});
    await assert.rejects(refused.connect(), TypeError);
  });
  await test('joining: keys that several rooms share know of those that are joined', async () => {
    network();
    const heard = new Set(), e2ee = {on: (_, listener) => heard.add(listener), off: (_, listener) => heard.delete(listener)};
    const rooms = [made({e2ee}), made({e2ee})];
    assert.equal(heard.size, 0);
    for (const r of rooms) await r.connect();
    assert.equal(heard.size, 2);
    await rooms[0].leave();
    assert.equal(heard.size, 1);
    await rooms[0].connect();
    for (const r of rooms) await r.leave();
    assert.equal(heard.size, 0);
  });
  for (const [name, value] of kept) globalThis[name] = value;
}
