// Our place in a room: the socket by which we have it, and how we come back to it. A socket that was lost is
// resumed, a server that forgot us is joined again, and whoever leaves gives the place up. Used once.

import {RoomError} from './errors.js';
import {address, Socket} from './socket.js';

const RETRY = [0, 500, 1000, 2000, 4000]; // ms before each attempt to come back; the last for ever
const VERSION = 1;
const FAREWELL = 2_000; // ms for each attempt to say that one has left whose socket was away
const FINAL = new Set(['removed', 'room_closed', 'replaced', 'revoked', 'flood']); // nobody comes back from these

// It is kept for a while; who leaves meanwhile gives it up, or others would go on seeing them.
async function giveUp(url, resume) {
  for (const wait of RETRY) {
    await new Promise(resolve => setTimeout(resolve, wait));
    try {
      const {socket} = await Socket.open(url, {type: 'resume', v: VERSION, resume}, {timeout: FAREWELL});
      return socket.close({leave: true});
    } catch (error) {
      if (!error.passing) return; // it is gone already
    }
  }
}

const given = members => Object.fromEntries(Object.entries(members).filter(([, v]) => v !== undefined && v !== null));

export class Place {
  #room; // its name
  #moved; // the token of the room that an operator moved us to
  #with;
  #socket = null;
  #resume = null;
  #been = false;
  #over = false;
  #timer = 0;
  #attempt = null; // the last one: an AbortController

  // {url, room, token, moved}; introduce() returns what else is said of us in joining. And what is told:
  // joined(answer) and says(message) of the server, lost(error) while we come back, over(error) for good.
  constructor({room, moved = null, ...others}) {
    this.#room = room;
    this.#moved = moved;
    this.#with = others;
  }

  get moved() {
    return this.#moved;
  }

  // Nobody has it any more; nothing more is told.
  get over() {
    return this.#over;
  }

  async enter() {
    try {
      await this.#join();
    } catch (error) {
      throw this.#over ? new RoomError('left') : error;
    }
    if (this.#over) throw new RoomError('left');
  }

  leave() {
    const socket = this.#socket, resume = this.#resume;
    this.#end();
    if (socket) socket.close({leave: true});
    else if (resume) giveUp(this.#address, resume);
  }

  ask(type, members) {
    return this.#socket ? this.#socket.ask(type, members) : Promise.reject(new RoomError('lost'));
  }

  tell(type, members) {
    this.#socket?.tell(type, members);
  }

  // Rejects where nobody answers, and then we come back.
  probe() {
    return this.#socket.probe();
  }

  // What has become of the way to the server makes it worth to try at once.
  hurry() {
    if (this.#timer) this.#again(0);
    else this.#attempt?.abort();
  }

  // The socket ends next, and we come back elsewhere.
  moves(room, token) {
    this.#room = room;
    this.#moved = token;
    this.#resume = null;
  }

  get #address() {
    return address(this.#with.url, this.#room);
  }

  // Whoever leaves meanwhile has no use for it any more.
  async #join() {
    const attempt = this.#attempt = new AbortController(), resume = this.#resume;
    const first = resume ? {type: 'resume', v: VERSION, resume}
      : {type: 'join', v: VERSION, ...given({token: await this.#token(), ...this.#with.introduce()})};
    if (this.#over) throw new RoomError('left');
    const {socket, answer} = await Socket.open(this.#address, first, {signal: attempt.signal});
    if (this.#over) {
      socket.close({leave: true});
      throw new RoomError('left');
    }
    this.#socket = socket;
    this.#resume = answer.resume;
    this.#been = true;
    socket.once('end', error => this.#socket === socket && this.#lost(error));
    this.#with.joined(answer);
    socket.on('message', m => this.#with.says(m));
  }

  // Who fetches one may be out of reach for the same reason as the server: that is no end.
  async #token() {
    const {token} = this.#with;
    try {
      return this.#moved ?? (typeof token === 'function' ? await token(this.#room) : token);
    } catch (error) {
      throw this.#been ? new RoomError('unreachable', error?.message) : error;
    }
  }

  #lost(error) {
    this.#socket = null;
    if (FINAL.has(error.code) && error.byServer) return this.#fail(error);
    this.#with.lost(error);
    if (!this.#over) this.#again(0);
  }

  #again(nth) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      this.#timer = 0;
      try {
        await this.#join();
      } catch (error) {
        if (this.#over) return;
        if (this.#resume && !error.passing) {
          this.#resume = null; // too late for that: as if for the first time
          return this.#again(0);
        }
        if (this.#moved && error.code.startsWith('token_')) {
          this.#moved = null; // it was good for a while: now the application's own
          return this.#again(0);
        }
        if (!error.passing) return this.#fail(error);
        this.#again(this.#attempt.signal.aborted ? 0 : nth + 1);
      }
    }, RETRY[Math.min(nth, RETRY.length - 1)]);
  }

  #fail(error) {
    this.#end();
    this.#with.over(error);
  }

  #end() {
    clearTimeout(this.#timer);
    this.#over = true;
    this.#socket = null;
    this.#resume = null;
    this.#attempt?.abort();
  }
}
