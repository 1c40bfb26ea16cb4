// Everything this peer sends. The user offers, the server answers; changes that come together become
// one offer, and there is one at a time.

const GLARE = 50; // ms until an offer is made again that met one of the server's

export class Sending {
  #connection;
  #server; // offer({sdp, tracks}): of the server, resolves to its answer
  #encryption;
  #lines;
  #both;
  #sent = new Map(); // LocalTrack: RTCRtpTransceiver
  #free = []; // transceivers without a track: {transceiver, shape}
  #dirty = false;
  #run = null;
  #sealed = new WeakSet(); // senders whose frames are encrypted

  // lines: data channels, or null. both: the connection is the one for both ways, and has to be
  // offered although nothing is sent.
  constructor({connection, server, encryption, lines, both = false}) {
    this.#connection = connection;
    this.#server = server;
    this.#encryption = encryption;
    this.#lines = lines;
    this.#both = both;
  }

  get pc() {
    return this.#connection.pc;
  }

  // Begins, with these tracks, and also anew where the old connection is gone.
  open(tracks) {
    const pc = this.#begin();
    this.#lines?.open(pc);
    for (const track of tracks) this.#sent.set(track, this.#transceiver(track));
    if (this.#both && !this.#lines && !this.#sent.size) pc.createDataChannel(''); // an offer needs a section
    return this.#lines || this.#sent.size || this.#both ? this.negotiate() : Promise.resolve();
  }

  // Messages, from here on.
  speak(lines) {
    this.#lines = lines;
    lines.open(this.pc);
    return this.negotiate();
  }

  #begin() {
    this.#free = [];
    this.#sent.clear();
    return this.#connection.open();
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
      const {pc} = this;
      try {
        await this.#connection.turn(() => this.pc === pc && this.#offer(pc));
      } catch (error) {
        // The server's offer came before, and waits for its turn.
        if (error.code !== 'glare') throw error;
        this.#dirty = true;
        await new Promise(resolve => setTimeout(resolve, GLARE));
      }
    }
  }

  async #offer(pc) {
    this.#dirty = false;
    try {
      await pc.setLocalDescription(await pc.createOffer());
      const tracks = {};
      for (const [track, {mid}] of this.#sent) tracks[mid] = track.described;
      const answer = await this.#server.offer({sdp: pc.localDescription.sdp, tracks});
      if (this.pc !== pc) return;
      // At once: what the server says of these tracks may come before all is set.
      for (const [track, {mid}] of this.#sent) if (answer.tracks?.[mid]) track.published(answer.tracks[mid], tracks[mid]?.muted)?.catch(() => {});
      await pc.setRemoteDescription({type: 'answer', sdp: answer.sdp});
    } catch (error) {
      if (this.pc !== pc) return; // all that is sent is offered on another now
      if (pc.signalingState === 'have-local-offer') await pc.setLocalDescription({type: 'rollback'});
      throw error;
    }
  }

  // New ICE credentials: the network has changed.
  restart() {
    if (!this.pc) return;
    this.pc.restartIce();
    this.negotiate().catch(() => {}); // the timer asks again
  }

  close() {
    this.#connection.close();
    this.#free = [];
    this.#sent.clear();
  }
}
