// What is live in a room, asked of the server every other second.
//
//   room.addEventListener('streams', e => ...)  // e.detail: [{name, ...}], by name
//   room.addEventListener('trouble', e => ...)  // e.detail: an Error, or null: it is over

import {ask, Refused} from './session.js';

const PERIOD = 2000;

export class Room extends EventTarget {
  #url;
  #token;
  #timer = 0;
  #trouble = null;
  #running = false;

  constructor({name, token}) {
    super();
    this.#url = `/rooms/${encodeURIComponent(name)}/streams`;
    this.#token = token;
  }

  start() {
    this.#running = true;
    this.refresh();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  // Asks now, and again after the period.
  async refresh() {
    clearTimeout(this.#timer);
    try {
      const response = await ask(this.#url, {token: this.#token, signal: AbortSignal.timeout(5000)});
      const {streams} = await response.json();
      if (!this.#running) return;
      this.#say(null);
      this.dispatchEvent(new CustomEvent('streams', {detail: streams}));
    } catch (error) {
      if (!this.#running) return;
      this.#say(error);
      if (error instanceof Refused && error.final) return this.stop();
    }
    clearTimeout(this.#timer); // two refreshes may have overlapped
    this.#timer = setTimeout(() => this.refresh(), PERIOD);
  }

  #say(error) {
    if (!error && !this.#trouble) return;
    this.#trouble = error;
    this.dispatchEvent(new CustomEvent('trouble', {detail: error}));
  }
}
