// The connection for everything this peer sends. The user offers, the server answers; changes that
// come together become one offer, and there is one at a time.

const PATIENCE = 2500; // ms of a broken path before ICE is restarted: most heal by themselves
const REPAIR = 6000; // ms before it is restarted once more

export class Sending {
  pc = null;
  #server; // {offer({sdp, tracks}), candidate(c)}: what is asked of the server
  #encryption;
  #lines;
  #ice;
  #state;
  #sent = new Map(); // LocalTrack: RTCRtpTransceiver
  #free = []; // transceivers without a track: {transceiver, shape}
  #dirty = false;
  #run = null;
  #timer = 0;
  #sealed = new WeakSet(); // senders whose frames are encrypted

  // lines: data channels, or null. state(name): of the path, as of RTCPeerConnection.
  constructor({server, encryption, lines, ice, state}) {
    this.#server = server;
    this.#encryption = encryption;
    this.#lines = lines;
    this.#ice = ice;
    this.#state = state;
  }

  // Begins, with these tracks, and also anew where the old connection is gone.
  open(tracks) {
    this.close();
    const pc = this.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle', iceServers: this.#ice,
      ...this.#encryption?.configuration});
    pc.addEventListener('icecandidate', ({candidate}) => this.pc === pc && candidate &&
      this.#server.candidate({candidate: candidate.candidate, mid: candidate.sdpMid}));
    pc.addEventListener('connectionstatechange', () => this.pc === pc && this.#watch());
    this.#lines?.open(pc);
    for (const track of tracks) this.#sent.set(track, this.#transceiver(track));
    return this.#lines || this.#sent.size ? this.negotiate() : Promise.resolve();
  }

  async add(track) {
    this.#sent.set(track, this.#transceiver(track));
    try {
      await this.negotiate();
    } catch (error) {
      if (!error.passing) this.#take(track);
      throw error;
    }
  }

  async remove(track) {
    if (!this.#take(track)) return;
    await this.negotiate();
  }

  #take(track) {
    const transceiver = this.#sent.get(track);
    if (!transceiver) return false;
    this.#sent.delete(track);
    transceiver.sender.replaceTrack(null).catch(() => {});
    transceiver.direction = 'inactive';
    this.#free.push({transceiver, shape: track.shape});
    return true;
  }

  sender = track => this.#sent.get(track)?.sender ?? null;
  mid = track => this.#sent.get(track)?.mid ?? null;

  // A section that sent the same kind of thing in the same way is used again.
  #transceiver(track) {
    const i = this.#free.findIndex(f => f.shape === track.shape);
    let transceiver;
    if (i >= 0) {
      [{transceiver}] = this.#free.splice(i, 1);
      transceiver.direction = 'sendonly';
      transceiver.sender.setStreams?.(track.stream);
      transceiver.sender.replaceTrack(track.sent).catch(() => {});
    } else {
      transceiver = this.pc.addTransceiver(track.sent ?? track.kind, {direction: 'sendonly', streams: [track.stream],
        ...(track.encodings ? {sendEncodings: track.encodings} : {})});
      if (track.codecs) transceiver.setCodecPreferences?.(track.codecs);
    }
    if (this.#encryption && !this.#sealed.has(transceiver.sender)) {
      this.#sealed.add(transceiver.sender);
      this.#encryption.attach(transceiver.sender, 'send', track.kind);
    }
    return transceiver;
  }

  // Tells the server what has changed; resolves when that is agreed.
  negotiate() {
    this.#dirty = true;
    return this.#run ??= this.#rounds().finally(() => this.#run = null);
  }

  async #rounds() {
    await null; // what is changed in one breath goes in one offer
    while (this.#dirty && this.pc) {
      this.#dirty = false;
      const {pc} = this;
      await pc.setLocalDescription(await pc.createOffer());
      const tracks = {};
      for (const [track, {mid}] of this.#sent) tracks[mid] = track.described;
      try {
        const answer = await this.#server.offer({sdp: pc.localDescription.sdp, tracks});
        if (this.pc !== pc) continue;
        // At once: what the server says of these tracks may come before all is set.
        for (const [track, {mid}] of this.#sent) if (answer.tracks?.[mid]) track.published(answer.tracks[mid]);
        await pc.setRemoteDescription({type: 'answer', sdp: answer.sdp});
      } catch (error) {
        if (this.pc === pc && pc.signalingState === 'have-local-offer') await pc.setLocalDescription({type: 'rollback'});
        throw error;
      }
    }
  }

  // New ICE credentials: the network has changed.
  restart() {
    if (!this.pc) return;
    this.pc.restartIce();
    this.negotiate().catch(() => {}); // the timer asks again
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
    this.#free = [];
    this.#sent.clear();
  }
}
