// A Redis server of the test's own, and a back end as a script.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import net from 'node:net';
import redis from '../../examples/redis/node_modules/@redis/client/dist/index.js';
import {answerTo, credentials, offer, participant} from '../attack/rig.mjs';
import {until} from '../browser/until.mjs';

const PATIENCE = 40000; // bounds a failure only

export const ROOM = 'sluice:room:', REQUESTS = 'sluice:requests', ANSWERS = 'sluice:answers:', OWNED = 'sluice:owned';

const freePort = () => new Promise(resolve => {
  const s = net.createServer().listen(0, '127.0.0.1', () => {
    const {port} = s.address();
    s.close(() => resolve(port));
  });
});

const running = new Set();
process.on('exit', () => running.forEach(child => child.kill('SIGKILL')));

// It keeps nothing on a disk: what it is killed with is gone.
export class Redis {
  async start() {
    this.port ??= await freePort();
    this.child = spawn('redis-server', ['--bind', '127.0.0.1', '--port', this.port, '--save', '', '--appendonly', 'no'],
      {stdio: 'ignore'});
    running.add(this.child);
    this.ended = new Promise(r => this.child.on('exit', () => r(running.delete(this.child))));
    await until('Redis', () => new Promise(resolve => {
      const s = net.connect(this.port, '127.0.0.1', () => resolve({ok: s.destroy()})).on('error', () => resolve({ok: false}));
    }));
    return this;
  }
  get url() { return `redis://127.0.0.1:${this.port}`; }
  kill() {
    this.child.kill('SIGKILL');
    return this.ended;
  }
  // Its sockets stay, and nobody answers on them; and answers again.
  hang() { this.child.kill('SIGSTOP'); }
  wake() { this.child.kill('SIGCONT'); }
}

// One client of a back end: what it was told waits in `told`.
class Client {
  told = [];
  types = []; // of all that it was told
  #waiting = [];
  constructor(backend, room, id) { Object.assign(this, {backend, room, id}); }
  take(m) {
    this.told.push(m);
    this.types.push(m.type);
    this.#waiting = this.#waiting.filter(w => !w());
  }
  // The first message of that type, of those that have come or will.
  heard(type) {
    const look = () => {
      const at = this.told.findIndex(m => m.type === type);
      return at < 0 ? null : this.told.splice(at, 1)[0];
    };
    const there = look();
    if (there) return Promise.resolve(there);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${type}, but ${JSON.stringify(this.told).slice(0, 2000)}`)), PATIENCE);
      this.#waiting.push(() => {
        const m = look();
        if (m) {
          clearTimeout(timer);
          resolve(m);
        }
        return m;
      });
    });
  }
  say(type, payload, more = {}) {
    return this.backend.publish({type, clientID: this.id, roomID: this.room, payload, ...more});
  }
}

export class Backend {
  clients = new Map();
  nameless = []; // errors that name nobody
  async start(server) {
    this.redis = redis.createClient({url: server.url, socket: {reconnectStrategy: 100}});
    this.listener = this.redis.duplicate();
    for (const c of [this.redis, this.listener]) await c.on('error', () => {}).connect();
    await this.listener.pSubscribe(`${ANSWERS}*`, (text, channel) => {
      const m = JSON.parse(text), name = channel.slice(ANSWERS.length);
      if (name === 'errors') this.nameless.push(m);
      else this.clients.get(name)?.take({...m, channel});
    });
    return this;
  }
  stop() {
    this.redis.destroy();
    this.listener.destroy();
  }
  // How many heard it.
  publish(message) {
    return this.redis.publish(REQUESTS, typeof message === 'string' ? message : JSON.stringify(message));
  }
  client(room, id) {
    const c = new Client(this, room, id);
    this.clients.set(`${room}:${id}`, c);
    return c;
  }
  async dictionary(room) {
    const {occupancyCount, occupants, viewers} = await this.redis.hGetAll(ROOM + room);
    return occupants === undefined ? null : {occupancyCount: Number(occupancyCount), occupants: JSON.parse(occupants),
      ...Number(viewers) && {viewers: Number(viewers)}};
  }
  // Until the room is so; null: there is none.
  has(room, want) {
    return until(`${room} to be ${JSON.stringify(want)}`, async () => {
      const value = await this.dictionary(room).catch(() => 'unknown');
      return {value, ok: JSON.stringify(value) === JSON.stringify(want)};
    }, 15000);
  }
}

// A stream beside all this has lost nothing. How evenly it came is for the machine to say.
export const whole = beside => until('the stream beside', async () => {
  const value = await beside.view.look();
  assert.deepEqual([value.lost, value.wrong], [0, 0]);
  return {value, ok: value.packets > 20};
});

export const there = (isHost = false, isPresent = true) => ({IsHost: isHost, IsPresent: isPresent});
export const occupied = (occupants, viewers = 0) =>
  ({occupancyCount: Object.keys(occupants).length + viewers, occupants, ...viewers && {viewers}});

// The joining process of document 002, with a real transport, by a back end that passes on offers, too. kind: 'whip'
// sends sound, 'whep' takes it.
export async function join(backend, server, room, id, kind, more = {}) {
  const client = backend.client(room, id), peer = await participant(kind);
  const sdp = offer({direction: kind === 'whip' ? 'sendonly' : 'recvonly', print: peer.print});
  client.heardBy = await client.say('offer', {type: 'offer', sdp}, {offers: true, ...more});
  const {payload: answer} = await client.heard('answer');
  client.candidates = [];
  await client.heard('done');
  while (client.told.some(m => m.type === 'candidate')) client.candidates.push((await client.heard('candidate')).payload);
  await client.say('candidate', {candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0});
  await client.say('candidate', null);
  return Object.assign(client, {peer, answer, connect: async () => {
    peer.connect(credentials(answer.sdp), '127.0.0.1', server.rtc);
    await peer.up();
  }});
}

// The server's next offer is answered.
export async function agree(client) {
  const {payload} = await client.heard('offer');
  await client.say('answer', {type: 'answer', sdp: answerTo(payload.sdp, client.peer.print)});
  return payload.sdp;
}
