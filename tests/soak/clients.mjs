// The clients of the soak: a process has their media (crowd.c), here is what they and the server say
// to each other, by WHIP, WHEP and the WebSocket of rooms.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {Client} from '../rooms/client.mjs';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
const CROWD = process.env.SOAK_CROWD ?? path.join(TOP, 'build/debug/tests/soak/soak_crowd');
const SEATS = 64;

const one = (text, name) => new RegExp(`^a=${name}:(.*)$`, 'm').exec(text)[1].trim();

export class Crowd {
  #child = spawn(CROWD, {stdio: ['pipe', 'pipe', 'inherit']});
  #seats = new Map(); // who takes what is said by a seat
  #looks = [];

  constructor(server) {
    this.server = server;
    this.errors = [];
    this.ended = new Promise(resolve => this.#child.on('exit', (code, signal) => resolve({code, signal})));
    process.on('exit', () => this.#child.kill('SIGKILL'));
    createInterface({input: this.#child.stdout}).on('line', line => {
      const m = JSON.parse(line);
      if (m.type === 'seen') this.#looks.shift()(new Map(m.seats.map(s => [s.seat, s])));
      else if (m.type === 'error') this.errors.push(`seat ${m.seat}: ${m.why}`);
      else this.#seats.get(m.seat)?.(m.type, m.sdp);
    });
  }

  get pid() {
    return this.#child.pid;
  }

  tell(seat, what, more = {}) {
    this.#child.stdin.write(`${JSON.stringify({seat, do: what, ...more})}\n`);
  }

  // What each seat has seen by now, by its number.
  look() {
    return new Promise(resolve => {
      this.#looks.push(resolve);
      this.#child.stdin.write('{"do":"look"}\n');
    });
  }

  take(said) {
    for (let seat = 0; seat < SEATS; seat++)
      if (!this.#seats.has(seat)) {
        this.#seats.set(seat, said);
        return seat;
      }
    throw new Error('no seat is free');
  }

  // Without a word to the server.
  vanish(seat) {
    this.#seats.delete(seat);
    this.tell(seat, 'leave');
  }

  end() {
    this.#child.stdin.end();
    return this.ended;
  }
}

// By one request: kind is "publishes" or "watches". tracks: how many of each kind there are to see.
export async function attend(crowd, kind, room, {stream = '', tracks = 0} = {}) {
  const {origin} = crowd.server;
  let said;
  const offered = new Promise(resolve => { said = (_, sdp) => resolve(sdp); });
  const seat = crowd.take(said);
  crowd.tell(seat, kind, {slots: tracks});
  const url = `${origin}/${kind === 'publishes' ? 'whip' : 'whep'}/${room}${stream && `/${stream}`}`;
  const res = await fetch(url, {method: 'POST', headers: {'content-type': 'application/sdp'}, body: await offered});
  const answer = await res.text();
  assert.equal(res.status, 201, `POST ${url}: ${answer}`);
  crowd.tell(seat, 'answer', {sdp: answer});
  const session = new URL(res.headers.get('location'), origin);
  return {
    seat, hears: tracks * 2,
    // New credentials of both ends; media goes on (docs/whip-whep.md, ICE).
    restart: async () => {
      const ufrag = randomBytes(4).toString('hex'), pwd = randomBytes(12).toString('hex');
      const r = await fetch(session, {method: 'PATCH', body: `a=ice-ufrag:${ufrag}\r\na=ice-pwd:${pwd}\r\n`,
        headers: {'content-type': 'application/trickle-ice-sdpfrag', 'if-match': '*'}});
      const theirs = await r.text();
      assert.equal(r.status, 200, theirs);
      crowd.tell(seat, 'restart', {ufrag, pwd, their_ufrag: one(theirs, 'ice-ufrag'), their_pwd: one(theirs, 'ice-pwd')});
    },
    leave: async () => {
      const r = await fetch(session, {method: 'DELETE'});
      assert.equal(r.status, 200);
      crowd.vanish(seat);
    },
    vanish: () => crowd.vanish(seat),
  };
}

// By WebSocket, on one connection both ways. hears: tracks of the others, once they are there.
export async function meet(crowd, room, hears) {
  const c = await Client.join(crowd.server, room, {connections: 1});
  assert.equal(c.joined.type, 'joined', JSON.stringify(c.joined));
  const numbers = []; // of the server's offers that are to be answered
  let closed = false;
  const say = async (type, sdp) => {
    const a = type === 'offer' ? await c.ask('offer', {sdp}) : await c.ask('answer', {offer: numbers.shift(), sdp});
    if (a.type === 'answer') crowd.tell(seat, 'answer', {sdp: a.sdp});
    else if (a.type !== 'done' && a.code !== 'stale') crowd.errors.push(`${room}: ${JSON.stringify(a)}`);
  };
  const seat = crowd.take((type, sdp) => {
    if (!closed) say(type, sdp).catch(error => closed || crowd.errors.push(`${room}: ${error.message}`));
  });
  c.socket.on('message', text => {
    const m = JSON.parse(text);
    if (m.type === 'offer') {
      numbers.push(m.offer);
      crowd.tell(seat, 'offer', {sdp: m.sdp});
    }
    if (m.id === undefined) c.messages.splice(c.messages.findIndex(x => x.type === m.type), 1); // nobody waits for it
  });
  crowd.tell(seat, 'meets');
  return {
    seat, hears,
    leave: async () => {
      closed = true;
      await c.leave();
      crowd.vanish(seat);
    },
    vanish: () => {
      closed = true;
      c.socket.terminate();
      crowd.vanish(seat);
    },
  };
}
