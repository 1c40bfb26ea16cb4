// A user of a room as a script: says what it is told to, and waits for what it is told.

import WebSocket from '../browser/node_modules/ws/wrapper.mjs';
import {hold} from './schema.mjs';

const PATIENCE = 30000; // bounds a failure only

// An offer without a browser: sections "audio", "video", "data", each of which sends.
export function offer(kinds, {ufrag = 'them', setup = 'actpass', version = 1} = {}) {
  const print = Array(32).fill('5A').join(':');
  const section = (kind, i) => [
    ...kind === 'data' ? [`m=application 9 UDP/DTLS/SCTP webrtc-datachannel`]
      : [`m=${kind} 9 UDP/TLS/RTP/SAVPF ${kind === 'audio' ? 111 : 96}`],
    'c=IN IP4 0.0.0.0', `a=mid:${i}`, `a=ice-ufrag:${ufrag}`, 'a=ice-pwd:thempasswordthempassword',
    `a=fingerprint:sha-256 ${print}`, `a=setup:${setup}`,
    ...kind === 'data' ? ['a=sctp-port:5000', 'a=max-message-size:262144'] : [
      'a=sendonly', 'a=rtcp-mux', `a=rtpmap:${kind === 'audio' ? '111 opus/48000/2' : '96 VP8/90000'}`,
      `a=msid:m ${kind}`, `a=ssrc:${4711 + i} cname:c`]];
  return ['v=0', `o=- 1 ${version} IN IP4 127.0.0.1`, 's=-', 't=0 0', `a=group:BUNDLE ${kinds.map((_, i) => i).join(' ')}`,
    ...kinds.flatMap(section), ''].join('\r\n');
}

export class Client {
  #waiting = [];
  #id = 0;

  // Opens the socket; room: its name.
  static async open(server, room, {headers = {}, protocols = ['sluice.rooms.v1'], from = '127.0.0.1'} = {}) {
    const c = new Client();
    c.messages = [];
    c.socket = new WebSocket(`${server.origin.replace('http', 'ws')}/rooms/${room}/ws`, protocols, {headers, localAddress: from});
    c.closed = new Promise(resolve => c.socket.on('close', (code, reason) => resolve({code, reason: String(reason)})));
    c.socket.on('message', (text, binary) => c.#take(JSON.parse(text), binary));
    await new Promise((resolve, reject) => {
      c.socket.on('open', resolve).on('error', reject);
      c.socket.on('unexpected-response', (_, res) => reject(Object.assign(new Error('refused'), {status: res.statusCode})));
    });
    return c;
  }

  // Joins, too.
  static async join(server, room, fields = {}, options = {}) {
    const c = await Client.open(server, room, options);
    c.joined = await c.ask('join', {v: 1, ...fields});
    return c;
  }

  #take(m) {
    hold('say', m);
    this.messages.push(m);
    this.#waiting = this.#waiting.filter(w => !w(m));
  }

  say(type, fields = {}) {
    this.socket.send(JSON.stringify({type, ...fields}));
  }

  raw(text) {
    this.socket.send(text);
  }

  // The first message that is so, of those that have come or will.
  heard(what, is) {
    const at = this.messages.findIndex(is);
    if (at >= 0) return Promise.resolve(this.messages.splice(at, 1)[0]);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${what} did not come, but ${JSON.stringify(this.messages).slice(0, 2000)}`)),
        PATIENCE);
      this.#waiting.push(m => {
        if (!is(m)) return false;
        clearTimeout(timer);
        this.messages.splice(this.messages.indexOf(m), 1);
        resolve(m);
        return true;
      });
    });
  }

  of(type) {
    return this.heard(type, m => m.type === type);
  }

  // A request and its answer; an error is one.
  async ask(type, fields = {}) {
    const id = ++this.#id;
    this.say(type, {id, ...fields});
    const answer = await this.heard(`an answer to ${type}`, m => m.id === id);
    if (answer.type !== 'error') hold('ask', {type, id, ...fields});
    return answer;
  }

  leave() {
    this.say('leave');
    return this.closed;
  }
}
