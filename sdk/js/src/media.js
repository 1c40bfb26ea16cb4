// The media of a room: its connections, one for each way or one for both, what goes out on them and
// what comes in.

import {Connection} from './connection.js';
import {Lines} from './data.js';
import {Receiving} from './receive.js';
import {Sending} from './send.js';
import {Meter} from './stats.js';

export class Media {
  lines = null; // of messages, or null
  #both; // on one connection
  #encryption;
  #sending;
  #receiving;
  #meters = {send: new Meter(), receive: new Meter()};

  // ask, tell: the server. both: ways on one connection. heard: of messages; null: there are none.
  // path(which, state). media(id, mediaStreamTrack): of a track of another is here; null: no longer.
  // refused(track, error): one of ours is not sent any more.
  constructor({ask, tell, both, ice, encryption, heard, path, media, refused}) {
    const connection = (of, ways, repair) => new Connection({ice, encryption, repair,
      candidate: c => tell('candidate', {of, ...c}), state: state => ways.forEach(w => path(w, state))});
    const send = connection('send', both ? ['send', 'receive'] : ['send'], () => this.#sending.restart());
    const receive = both ? send : connection('receive', ['receive'], () => this.#receiving.restart());
    this.#both = both;
    this.#encryption = encryption;
    this.lines = heard && new Lines({encryption, heard});
    this.#sending = new Sending({connection: send, encryption, lines: this.lines, both, refused,
      server: {offer: description => ask('offer', description)}});
    this.#receiving = new Receiving({connection: receive, encryption, media, server: {
      answer: a => tell('answer', a),
      restart: () => tell('restart', {of: 'receive'}),
    }});
  }

  get connections() {
    return {send: this.#sending.pc, receive: this.#receiving.pc};
  }

  // Begins to send; what is received begins when the server offers it.
  open(tracks) {
    return this.#sending.open(tracks);
  }

  // Messages are permitted from here on; null: they were before.
  speak(heard) {
    if (this.lines) return null;
    this.lines = new Lines({encryption: this.#encryption, heard});
    return this.#sending.speak(this.lines);
  }

  add = track => this.#sending.add(track);
  remove = track => this.#sending.remove(track);
  sender = track => this.#sending.sender(track);
  media = id => this.#receiving.media(id);
  offered = offer => this.#receiving.take(offer);
  negotiate = () => this.#sending.negotiate();

  // A connection is no more, as the server says: another one takes its place.
  gone(of, tracks) {
    if (of === 'receive' || this.#both) this.#receiving.close();
    if (of === 'receive' && !this.#both) return this.#receiving.restart();
    return this.open(tracks);
  }

  restartIce() {
    this.#sending.restart();
    if (!this.#both) this.#receiving.restart();
  }

  // {send, receive, tracks}: sent, got: the tracks to look at.
  async stats(sent, got) {
    const {send: out, receive: in_} = this.connections, tracks = new Map();
    const [send, receive] = await Promise.all([this.#meters.send.read(out), this.#meters.receive.read(in_)]);
    const put = (track, of, mid) => of.tracks.has(mid) && tracks.set(track, of.tracks.get(mid));
    for (const t of sent) put(t, send, this.#sending.mid(t));
    for (const t of got) put(t, receive, this.#receiving.mid(t.id));
    return {send: {rtt: send.rtt, available: send.available}, receive: {rtt: receive.rtt}, tracks};
  }

  close() {
    this.#sending.close();
    this.#receiving.close();
  }
}
