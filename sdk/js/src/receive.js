// The connection for everything this peer receives. The server offers it, and offers again when
// tracks come or go; the user only answers.

const PATIENCE = 2500, REPAIR = 6000; // as for sending

export class Receiving {
  pc = null;
  #server; // {answer({offer, sdp}), candidate(c), restart()}
  #encryption;
  #ice;
  #told;
  #here = new Map(); // id of a track: {media, mid}
  #state;
  #last = Promise.resolve(); // offers are taken one after the other
  #timer = 0;
  #opened = new WeakSet(); // receivers whose frames are decrypted

  // media(id, mediaStreamTrack): a track's media is here; with null it no longer is.
  constructor({server, encryption, ice, media, state}) {
    this.#server = server;
    this.#encryption = encryption;
    this.#ice = ice;
    this.#told = media;
    this.#state = state;
  }

  take(offer) {
    this.#last = this.#last.then(() => this.#take(offer)).catch(() => this.#server.restart());
    return this.#last;
  }

  async #take({offer, sdp, tracks}) {
    if (!this.pc) this.#make();
    const {pc} = this;
    await pc.setRemoteDescription({type: 'offer', sdp});
    for (const {receiver} of pc.getTransceivers()) {
      if (!this.#encryption || this.#opened.has(receiver)) continue;
      this.#opened.add(receiver);
      this.#encryption.attach(receiver, 'receive', receiver.track.kind, receiver.track.id);
    }
    await pc.setLocalDescription(await pc.createAnswer());
    if (this.pc !== pc) return; // which was closed meanwhile
    this.#server.answer({offer, sdp: pc.localDescription.sdp});
    this.#assign(pc, tracks ?? {});
  }

  #make() {
    const pc = this.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle', iceServers: this.#ice,
      ...this.#encryption?.configuration});
    pc.addEventListener('icecandidate', ({candidate}) => this.pc === pc && candidate &&
      this.#server.candidate({candidate: candidate.candidate, mid: candidate.sdpMid}));
    pc.addEventListener('connectionstatechange', () => this.pc === pc && this.#watch());
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

  restart() {
    this.#server.restart();
  }

  #watch() {
    const {connectionState} = this.pc;
    clearTimeout(this.#timer);
    this.#state(connectionState);
    if (connectionState !== 'disconnected' && connectionState !== 'failed') return;
    const again = () => {
      this.restart();
      this.#timer = setTimeout(again, REPAIR);
    };
    this.#timer = setTimeout(again, connectionState === 'failed' ? 0 : PATIENCE);
  }

  close() {
    clearTimeout(this.#timer);
    this.pc?.close();
    this.pc = null;
    const before = this.#here;
    this.#here = new Map();
    for (const id of before.keys()) this.#told(id, null);
  }
}
