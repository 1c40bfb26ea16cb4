// Everything this peer sends. The user offers, the server answers; changes that come together become
// one offer, and there is one at a time. The server refuses an offer as a whole: what was new in it is
// then offered piece by piece, so that only what may not be fails.

const GLARE = 50; // ms until an offer is made again that met one of the server's

export class Sending {
  #connection;
  #server; // offer({sdp, tracks}): of the server, resolves to its answer
  #encryption;
  #lines;
  #both;
  #sent = new Map(); // LocalTrack: RTCRtpTransceiver
  #free = []; // transceivers without a track: {transceiver, shape}
  #agreed = new Set(); // of them, those that the server has taken
  #asked = []; // changes that wait to be offered: {track: a new one, or null, resolve, reject}
  #apart = []; // lists of such, each to be offered by itself, before the others
  #now = []; // those that are being offered
  #busy = false;
  #refused;
  #sealed = new WeakSet(); // senders whose frames are encrypted

  // lines: data channels, or null. both: the connection is the one for both ways, and has to be
  // offered although nothing is sent. refused(track, error): of one that nobody waits for any more.
  constructor({connection, server, encryption, lines, refused, both = false}) {
    this.#connection = connection;
    this.#server = server;
    this.#encryption = encryption;
    this.#lines = lines;
    this.#refused = refused;
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
    if (this.#lines || this.#both) return this.negotiate();
    return tracks.length ? this.negotiate(tracks[0]).catch(this.#again(tracks[0])) : Promise.resolve();
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
    this.#agreed.clear();
    return this.#connection.open();
  }

  add = track => this.negotiate(track);

  async remove(track) {
    for (const change of [...this.#now, ...this.#apart.flat(), ...this.#asked]) if (change.track === track) change.track = null;
    if (this.#take(track)) await this.negotiate();
  }

  #take(track) {
    const transceiver = this.#sent.get(track);
    if (!transceiver) return false;
    this.#sent.delete(track);
    this.#agreed.delete(track);
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

  // Tells the server what has changed, with a new track or without; resolves when that is agreed.
  negotiate(track = null) {
    const done = new Promise((resolve, reject) => this.#asked.push({track, resolve, reject}));
    if (!this.#busy) this.#rounds();
    return done;
  }

  async #rounds() {
    this.#busy = true;
    await null; // what is changed in one breath goes in one offer
    while (this.pc && (this.#apart.length || this.#asked.length)) {
      const {pc} = this, met = await this.#connection.turn(() => this.pc === pc && this.#round(pc));
      if (met) await new Promise(resolve => setTimeout(resolve, GLARE));
    }
    for (const {resolve} of [...this.#apart.splice(0).flat(), ...this.#asked.splice(0)]) resolve();
    this.#busy = false;
  }

  // true: the server's offer came before, and waits for its turn.
  async #round(pc) {
    const now = this.#now = this.#apart.shift() ?? this.#asked.splice(0);
    let error = null;
    try {
      for (const {track} of now) if (track && !this.#sent.has(track)) this.#sent.set(track, this.#transceiver(track));
      await this.#offer(pc);
    } catch (e) {
      error = e;
    }
    this.#now = [];
    if (this.pc !== pc) this.#asked.unshift(...now); // all that is sent is offered on another now
    else if (!error) for (const {resolve} of now) resolve();
    else if (error.code === 'glare') this.#apart.unshift(now);
    else if (error.passing) for (const {reject} of now) reject(error);
    else this.#divide(now, error);
    return error?.code === 'glare';
  }

  // What the server has not taken yet is taken back, and each offered alone: one of these was refused.
  #divide(now, error) {
    const tracks = new Set([...now.map(c => c.track), ...this.#sent.keys()].filter(t => t && !this.#agreed.has(t)));
    const rest = now.filter(c => !tracks.has(c.track)), lists = rest.length ? [rest] : [];
    for (const track of tracks) {
      const waits = now.filter(c => c.track === track);
      lists.push(waits.length ? waits : [{track, resolve() {}, reject: this.#again(track)}]);
      this.#take(track);
    }
    if (lists.length > 1) this.#apart.unshift(...lists);
    else for (const {reject} of lists[0]) reject(error);
  }

  // What comes of one that was published before.
  #again = track => error => {
    if (!error.passing) this.#refused(track, error);
  };

  async #offer(pc) {
    try {
      await pc.setLocalDescription(await pc.createOffer());
      const tracks = {}, offered = [...this.#sent.keys()];
      for (const [track, {mid}] of this.#sent) tracks[mid] = track.described;
      const answer = await this.#server.offer({sdp: pc.localDescription.sdp, tracks});
      if (this.pc !== pc) return;
      // At once: what the server says of these tracks may come before all is set.
      for (const [track, {mid}] of this.#sent) if (answer.tracks?.[mid]) track.published(answer.tracks[mid], tracks[mid]?.muted)?.catch(() => {});
      await pc.setRemoteDescription({type: 'answer', sdp: answer.sdp});
      for (const track of offered) if (this.#sent.has(track)) this.#agreed.add(track);
    } catch (error) {
      if (this.pc === pc && pc.signalingState === 'have-local-offer') await pc.setLocalDescription({type: 'rollback'});
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
    this.#agreed.clear();
  }
}
