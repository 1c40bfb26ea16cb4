// Everything this peer receives. The server offers it, and offers again when tracks come or go; the
// user only answers.

export class Receiving {
  #connection;
  #server; // {answer({offer, sdp}), restart()}
  #encryption;
  #told;
  #here = new Map(); // id of a track: {media, mid}
  #opened = new WeakSet(); // receivers whose frames are decrypted

  // media(id, mediaStreamTrack): a track's media is here; with null it no longer is.
  constructor({connection, server, encryption, media}) {
    this.#connection = connection;
    this.#server = server;
    this.#encryption = encryption;
    this.#told = media;
  }

  get pc() {
    return this.#connection.pc;
  }

  take(offer) {
    const pc = this.pc ?? this.#connection.open();
    return this.#connection.turn(() => this.pc === pc && this.#take(pc, offer)).catch(() => this.restart());
  }

  async #take(pc, {offer, sdp, tracks = {}}) {
    await pc.setRemoteDescription({type: 'offer', sdp});
    for (const {mid, receiver} of pc.getTransceivers()) {
      if (!this.#encryption || !tracks[mid] || this.#opened.has(receiver)) continue;
      this.#opened.add(receiver);
      this.#encryption.attach(receiver, 'receive', receiver.track.kind, receiver.track.id);
    }
    await pc.setLocalDescription(await pc.createAnswer());
    if (this.pc !== pc) return; // which was closed meanwhile
    this.#server.answer({offer, sdp: pc.localDescription.sdp});
    this.#assign(pc, tracks);
  }

  #assign(pc, tracks) {
    const before = this.#here;
    this.#here = new Map();
    for (const {mid, receiver} of pc.getTransceivers())
      if (tracks[mid]) this.#here.set(tracks[mid].track, {media: receiver.track, mid});
    for (const id of before.keys()) if (!this.#here.has(id)) this.#told(id, null);
    for (const [id, {media}] of this.#here) this.#told(id, media);
  }

  // Of a track, by its id; null: not here yet.
  media = id => this.#here.get(id)?.media ?? null;
  mid = id => this.#here.get(id)?.mid ?? null;

  // New ICE credentials, or a connection in place of one that is gone.
  restart() {
    this.#server.restart();
  }

  close() {
    this.#connection.close();
    const before = this.#here;
    this.#here = new Map();
    for (const id of before.keys()) this.#told(id, null);
  }
}
