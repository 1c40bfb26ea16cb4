// Messages between peers, by two channels of the sending connection: a reliable one and a lossy
// one. A message begins with who it is for, or who it is from (docs/rooms.md, Data channels).

import {RoomError} from './errors.js';

const VERSION = 1, OCTETS = 0, TEXT = 1;
const MOST = 262_144; // octets of a message, with its header
const MOST_PAYLOAD = MOST - 4 - 64; // which fits whoever it is from, and whichever one it is for
const MOST_NAMED = 32;
const HIGH = 1 << 20; // octets that wait in the browser before a sender is made to wait
const STALE = 64 << 10; // and before a lossy message is better not sent
const AGAIN = 500; // ms before a channel that was closed is made anew

export const LABELS = ['reliable', 'lossy'];
const utf8 = new TextEncoder(), text = new TextDecoder();

// kind: 'text' or 'octets'. to: ids of peers; none: everybody.
export function encode(kind, payload, to = []) {
  const names = to.map(id => utf8.encode(id));
  if (names.length > MOST_NAMED) throw new RoomError('too_many', `A message names ${MOST_NAMED} peers at most.`);
  const out = new Uint8Array(3 + names.reduce((n, x) => n + 1 + x.length, 0) + payload.length);
  if (payload.length > MOST_PAYLOAD || out.length > MOST)
    throw new RoomError('too_large', `A message has ${MOST_PAYLOAD} octets at most, and ${MOST} with the ids of those whom it is for.`);
  out.set([VERSION, kind === 'text' ? TEXT : OCTETS, names.length]);
  let at = 3;
  for (const name of names) {
    out[at] = name.length;
    out.set(name, at + 1);
    at += 1 + name.length;
  }
  out.set(payload, at);
  return out;
}

// {from, kind, payload}, payload in octets; null: not for us.
export function decode(message) {
  const b = octets(message), length = b[2];
  if (b.length < 3 + length || b[0] !== VERSION || b[1] > TEXT) return null;
  return {from: text.decode(b.subarray(3, 3 + length)), kind: b[1] === TEXT ? 'text' : 'octets', payload: b.subarray(3 + length)};
}

export function octets(content) {
  if (typeof content === 'string') return utf8.encode(content);
  if (content instanceof ArrayBuffer) return new Uint8Array(content);
  return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
}

export const content = (kind, payload) => kind === 'text' ? text.decode(payload) : payload;

// The two channels. heard({from, data, lossy}) is told of each message.
export class Lines {
  #channels = new Map();
  #heard;
  #encryption;
  #sent = Promise.resolve(); // the last that waits to be sent, and
  #last = Promise.resolve(); // to be decrypted: order is kept

  constructor({heard, encryption}) {
    this.#heard = heard;
    this.#encryption = encryption;
  }

  // On a connection, also on a new one in place of a broken one.
  open(pc) {
    for (const label of LABELS) this.#make(pc, label);
  }

  #make(pc, label) {
    const channel = pc.createDataChannel(label, label === 'lossy' ? {ordered: false, maxRetransmits: 0} : {});
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = HIGH / 4;
    channel.onmessage = e => this.#take(e.data, label === 'lossy');
    // The server closes the channel of who reads too slowly; a new one begins at now.
    const lost = () => this.#channels.get(label) === channel && pc.signalingState !== 'closed';
    channel.onclose = () => lost() && setTimeout(() => lost() && this.#make(pc, label), AGAIN);
    this.#channels.set(label, channel);
  }

  // Resolves when the message is on its way: who sends faster than the network waits here. A lossy
  // one that would only queue is dropped: false.
  send(data, {to = [], lossy = false} = {}) {
    const kind = typeof data === 'string' ? 'text' : 'octets';
    const payload = this.#encryption ? this.#encryption.seal(octets(data)) : octets(data);
    const done = this.#sent.then(() => this.#send(kind, payload, to, lossy));
    if (!lossy) this.#sent = done.catch(() => {}); // in the order of the calls
    return done;
  }

  async #send(kind, payload, to, lossy) {
    const message = encode(kind, await payload, to);
    const channel = await this.#ready(lossy ? 'lossy' : 'reliable');
    if (lossy && channel.bufferedAmount > STALE) return false;
    while (channel.readyState === 'open' && channel.bufferedAmount > HIGH) await once(channel, ['bufferedamountlow', 'close']);
    if (channel.readyState !== 'open') throw new RoomError('lost');
    channel.send(message);
    return true;
  }

  async #ready(label) {
    for (;;) {
      const channel = this.#channels.get(label);
      if (!channel) throw new RoomError('forbidden', 'There is no connection for data.');
      if (channel.readyState === 'open') return channel;
      await once(channel, ['open', 'close'], 10_000);
      if (channel.readyState !== 'open' && this.#channels.get(label) === channel) throw new RoomError('lost');
    }
  }

  #take(message, lossy) {
    const m = decode(message);
    if (!m) return;
    if (!this.#encryption) return this.#heard({from: m.from, data: content(m.kind, m.payload), lossy});
    const opened = this.#encryption.open(m.payload);
    this.#last = this.#last.then(async () => {
      const payload = await opened;
      if (payload) this.#heard({from: m.from, data: content(m.kind, payload), lossy});
    }).catch(() => {});
  }

  close() {
    this.#channels.clear();
  }
}

const once = (target, events, ms) => new Promise((resolve, reject) => {
  const done = () => {
    clearTimeout(timer);
    for (const e of events) target.removeEventListener(e, done);
    resolve();
  };
  const timer = ms && setTimeout(() => {
    for (const e of events) target.removeEventListener(e, done);
    reject(new RoomError('no_answer', 'The channel for data did not open.'));
  }, ms);
  for (const e of events) target.addEventListener(e, done);
});
