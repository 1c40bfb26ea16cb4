// End-to-end encryption of a room: the server forwards what it cannot read.
//
//   const e2ee = new Encryption();
//   await e2ee.setPassphrase('correct horse', {salt: roomName});
//   const room = await connect({..., e2ee});
//
// What cannot be decrypted is not shown, and 'unreadable' of the track says so.

import {Emitter} from '../emitter.js';
import {RoomError} from '../errors.js';
import {fromPassphrase} from './keyring.js';

// Picture codecs whose frames may be encrypted: packets of AV1 and H.265 are made along what is
// inside the frame.
export const CODECS = ['VP8', 'VP9', 'H264'];

export class Encryption extends Emitter {
  #worker;
  #calls = new Map();
  #last = 0;

  // worker: one of your own making, where a bundler or a policy wants that; of e2ee/worker.js.
  constructor({worker} = {}) {
    super();
    if (!Encryption.supported) throw new RoomError('unsupported', 'This browser cannot encrypt end to end.');
    this.#worker = worker ?? new Worker(new URL('./worker.js', import.meta.url), {type: 'module'});
    this.#worker.addEventListener('message', ({data}) => {
      if ('readable' in data) return this.emit('readable', data.id, data.readable);
      const {resolve, reject} = this.#calls.get(data.call);
      this.#calls.delete(data.call);
      if (data.error) reject(new Error(data.error));
      else resolve(data.value);
    });
  }

  static get supported() {
    return 'RTCRtpScriptTransform' in globalThis || 'createEncodedStreams' in (globalThis.RTCRtpSender?.prototype ?? {});
  }

  // Material of 32 octets. index: 0 to 15, for those who exchange keys; use: to send with it.
  setKey(material, {index = 0, use = true} = {}) {
    return this.#call({ask: 'set', material: Uint8Array.from(material), index, use});
  }

  async setPassphrase(words, {salt = '', ...options} = {}) {
    await this.setKey(await fromPassphrase(words, salt), options);
  }

  // The next key, made of the present one; receivers follow by themselves. Turn it when somebody
  // has joined, who then cannot read what was said before.
  ratchet() {
    return this.#call({ask: 'ratchet'});
  }

  // A message of a data channel, octets both ways; open gives null for what cannot be read.
  seal = data => this.#call({ask: 'seal', data});
  open = data => this.#call({ask: 'open', data});

  close() {
    this.#worker.terminate();
  }

  // ---- for the connections of a room

  // What an RTCPeerConnection must be made with.
  get configuration() {
    return 'RTCRtpScriptTransform' in globalThis ? {} : {encodedInsertableStreams: true};
  }

  // end: a sender or receiver, which may come twice. id: of the track, for 'readable'.
  attach(end, role, kind, id) {
    if ('RTCRtpScriptTransform' in globalThis) {
      end.transform = new RTCRtpScriptTransform(this.#worker, {role, kind, id});
      return;
    }
    const {readable, writable} = end.createEncodedStreams();
    this.#worker.postMessage({ask: 'transform', readable, writable, role, kind, id}, [readable, writable]);
  }

  #call(message) {
    return new Promise((resolve, reject) => {
      this.#calls.set(++this.#last, {resolve, reject});
      this.#worker.postMessage({...message, call: this.#last});
    });
  }
}
