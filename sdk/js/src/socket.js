// Messages to and from the server: one WebSocket, JSON, requests with answers (docs/rooms.md).
// Coming back after a loss is an affair of places; a socket is used once.

import {Emitter} from './emitter.js';
import {RoomError} from './errors.js';

const PROTOCOL = 'sluice.rooms.v1';
const QUIET = 10_000; // ms without a word before one is asked for
const PATIENCE = 8_000; // ms for any answer
const PROBE = 2_500; // ms for one where there is reason to doubt the connection
const LEFT = 1000, GOING = 1001;

// Events: 'message' (one that answers nothing), 'end' (a RoomError: it is over; once).
export class Socket extends Emitter {
  #ws;
  #asked = new Map(); // id: {resolve, reject, timer}
  #last = 0;
  #heard = 0;
  #timer = 0;
  #ended = false;
  #said = null; // what the server gave as the reason

  // first: the message that the socket begins with. Resolves to its answer. signal: nobody waits any longer
  // for a socket that is not open yet.
  static open(url, first, {timeout = PATIENCE, signal} = {}) {
    const socket = new Socket();
    return new Promise((resolve, reject) => {
      const giveUp = () => socket.#end(new RoomError('unreachable'));
      const late = setTimeout(giveUp, timeout);
      signal?.addEventListener('abort', giveUp);
      socket.once('end', reject);
      socket.#ws = new WebSocket(url, PROTOCOL);
      socket.#ws.onopen = async () => {
        clearTimeout(late);
        signal?.removeEventListener('abort', giveUp);
        socket.#keep();
        try {
          const answer = await socket.ask(first.type, first, timeout);
          resolve({socket, answer});
        } catch (error) {
          reject(error);
          socket.#end(error, first.type === 'join' ? LEFT : undefined); // nobody would come back to such a place
        }
      };
      socket.#ws.onmessage = e => socket.#take(e.data);
      socket.#ws.onclose = e => {
        clearTimeout(late);
        socket.#end(socket.#said ?? new RoomError(socket.#heard || e.wasClean ? 'lost' : 'unreachable', e.reason));
      };
    });
  }

  // A request; resolves to its answer.
  ask(type, members = {}, timeout = PATIENCE) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#said ?? new RoomError('lost'));
      const timer = setTimeout(() => {
        this.#asked.delete(id);
        reject(new RoomError('no_answer'));
      }, timeout);
      this.#asked.set(id, {resolve, reject, timer});
      this.tell(type, {...members, id});
    });
  }

  // What needs no answer.
  tell(type, members = {}) {
    if (!this.#ended && this.#ws.readyState === WebSocket.OPEN) this.#ws.send(JSON.stringify({...members, type}));
  }

  // Is anybody there? Rejects, and the socket ends as lost, where nobody answers.
  async probe() {
    try {
      await this.ask('ping', {}, PROBE);
    } catch (error) {
      if (error.code === 'no_answer') this.#end(new RoomError('lost'));
      throw error;
    }
  }

  // leave: for good; otherwise the server keeps our place for a while.
  close({leave = false} = {}) {
    if (leave) this.tell('leave');
    this.#end(new RoomError('left'), leave ? LEFT : undefined);
  }

  get ended() {
    return this.#ended;
  }

  #take(text) {
    this.#heard = Date.now();
    let m;
    try {
      m = JSON.parse(text);
    } catch {
      return;
    }
    const asked = this.#asked.get(m.id);
    if (asked && (m.type === 'error' || ANSWERS.has(m.type))) {
      this.#asked.delete(m.id);
      clearTimeout(asked.timer);
      if (m.type === 'error') asked.reject(new RoomError(m.code, m.detail));
      else asked.resolve(m);
      return;
    }
    if (m.type === 'closed') this.#said = Object.assign(new RoomError(m.code, m.detail), {byServer: true});
    else if (m.type !== 'pong') this.emit('message', m);
  }

  // A connection may be dead without a word from the network.
  #keep() {
    this.#heard = Date.now();
    this.#timer = setInterval(() => {
      const quiet = Date.now() - this.#heard;
      if (quiet > QUIET + PATIENCE) this.#end(new RoomError('lost'));
      else if (quiet >= QUIET) this.tell('ping');
    }, QUIET / 4);
  }

  #end(error, code) {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    for (const {reject, timer} of this.#asked.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#asked.clear();
    if (this.#ws) {
      this.#ws.onclose = this.#ws.onmessage = this.#ws.onopen = null;
      this.#ws.close(code ?? 4999); // not 1000: a place may be kept
    }
    this.emit('end', error);
  }
}

const ANSWERS = new Set(['joined', 'answer', 'done', 'pong', 'watchers']);

// A page that goes away leaves; the browser closes its sockets with this code by itself.
export const PAGE_GONE = GOING;

export const address = (base, room) =>
  `${base.replace(/\/+$/, '').replace(/^http/, 'ws')}/rooms/${encodeURIComponent(room)}/ws`;
