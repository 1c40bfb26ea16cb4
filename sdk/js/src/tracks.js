// Tracks: what this peer sends, and what it gets of others.

import {Emitter} from './emitter.js';
import {wanted} from './encodings.js';
import {same, View, wish} from './view.js';

// Puts media into an element, and takes it out.
function put(element, media) {
  element.srcObject = media ? new MediaStream([media]) : null;
}

function elementFor(kind) {
  return Object.assign(document.createElement(kind), {autoplay: true, playsInline: true, muted: kind === 'video'});
}

// A track that this peer sends. Made by room.publish().
//
// Events: 'muted' (by: the id of who did it), 'unmuted', 'unmuteAsked' (a mute was taken back from
// outside: whether it is heard again is for the person to say), 'ended' (the device went, the person
// stopped sharing, or it may not be sent any more), 'wanted' (rids that somebody watches).
export class LocalTrack extends Emitter {
  id = null; // of the server, once it is published
  muted = false;
  mutedBy = null; // another peer, or '' for the service and for who is not known; null: oneself, or nobody
  #media;
  #chosen = []; // the encodings that somebody watches
  #choosing = Promise.resolve();
  #elements = new Set();
  #known = false; // what the server has for `muted`
  #telling = Promise.resolve();
  #turn = 0; // of wishes to mute and unmute: the last one counts
  #over = false;
  #ended = () => {
    if (!this.muted) this.emit('ended');
  };

  // media: a MediaStreamTrack. acquire: gives it anew, after a mute that let go of the device.
  constructor(room, media, {source, name = '', metadata = '', encodings, codecs, acquire} = {}) {
    super();
    Object.assign(this, {room, kind: media.kind, source, name, metadata, encodings, codecs, acquire});
    this.stream = room.outgoing(source);
    this.#hold(media);
  }

  // The MediaStreamTrack; null while a mute has let go of it.
  get media() {
    return this.#media;
  }

  // What is handed to the connection now.
  get sent() {
    return this.muted ? null : this.#media;
  }

  get described() {
    return {source: this.source, name: this.name, metadata: this.metadata, ...(this.muted ? {muted: true} : {})};
  }

  // Sections of equal shape may take each other's place.
  get shape() {
    return JSON.stringify([this.kind, this.encodings ?? null, this.codecs?.[0]?.mimeType ?? null]);
  }

  // Others hear or see nothing from here on. A camera goes out, light and all, where it can be
  // opened again; a microphone stays open, so that unmuting is at once.
  async mute({release = this.source === 'camera'} = {}) {
    this.#turn++;
    if (this.muted) return;
    this.#quiet(null);
    if (release) this.#release();
    await this.#tell();
  }

  async unmute() {
    if (!this.muted) return;
    const turn = ++this.#turn;
    if (!this.#media) {
      const media = await this.acquire();
      if (turn === this.#turn && !this.#media) this.#hold(media);
      else media.stop(); // the track was muted, replaced or given up meanwhile
      if (turn !== this.#turn) return;
    }
    this.muted = false;
    this.mutedBy = null;
    this.#media.enabled = true;
    for (const e of this.#elements) put(e, this.#media);
    await this.room.sender(this)?.replaceTrack(this.#media);
    this.emit('unmuted');
    await this.#tell();
  }

  // Another device, or another picture, without negotiating.
  async replace(media, acquire = this.acquire) {
    if (this.#over) return media.stop();
    const old = this.#media;
    this.acquire = acquire;
    this.#hold(media);
    for (const e of this.#elements) put(e, media);
    if (this.muted) media.enabled = false;
    else await this.room.sender(this)?.replaceTrack(media);
    if (old !== media) old?.stop();
  }

  // A preview.
  attach(element = elementFor('video')) {
    this.#elements.add(element);
    element.muted = true;
    put(element, this.#media);
    return element;
  }

  detach(element) {
    for (const e of element ? [element] : [...this.#elements]) if (this.#elements.delete(e)) put(e, null);
  }

  // ---- for the room

  // muted: as it was offered. id: null: the server has forgotten it.
  published(id, muted = false) {
    if (this.id === id) return null;
    this.id = id;
    this.#known = muted;
    return this.#tell();
  }

  // The server says so. What another muted stays so until the person takes it back; a mute that is taken
  // back from outside opens no device: the others are told that it holds, and the page may ask.
  told(muted, by) {
    this.#known = muted;
    if (muted) this.#turn++;
    if (muted === this.muted) return null;
    if (!muted) {
      this.emit('unmuteAsked', by);
      return this.#tell();
    }
    this.#quiet(by);
    if (this.source === 'camera') this.#release();
    return null;
  }

  // muted: what the server has after a while without us. What was done here meanwhile goes before it.
  resumed(muted) {
    if (this.#known === this.muted) return this.told(muted, '');
    this.#known = muted;
    return this.#tell();
  }

  // One change at a time: a browser takes parameters back only as it gave them last.
  choose(encodings) {
    this.#chosen = encodings;
    this.#choosing = this.#choosing.then(() => this.#choose());
    this.emit('wanted', encodings);
  }

  async #choose() {
    for (const wait of [0, 50, 200, 1000]) {
      await new Promise(r => setTimeout(r, wait));
      const sender = this.room.sender(this);
      const next = sender && wanted(sender.getParameters(), this.#chosen);
      if (!next || await sender.setParameters(next).then(() => true, () => false)) return;
    }
  }

  stop() {
    this.#over = true;
    this.#turn++;
    this.detach();
    this.#media?.removeEventListener('ended', this.#ended);
    this.#media?.stop();
  }

  #hold(media) {
    this.#media?.removeEventListener('ended', this.#ended);
    this.#media = media;
    media.addEventListener('ended', this.#ended);
  }

  // Until the server has what is so by then; where it is away, when we are back.
  #tell() {
    const told = this.#telling.then(async () => {
      while (this.id && this.#known !== this.muted) {
        const {muted} = this;
        if (!await this.room.tellMuted(this, muted)) return;
        this.#known = muted;
      }
    });
    this.#telling = told.catch(() => {});
    return told;
  }

  #quiet(by) {
    this.muted = true;
    this.mutedBy = by;
    if (this.#media) this.#media.enabled = false;
    this.room.sender(this)?.replaceTrack(null).catch(() => {});
    this.emit('muted', by);
  }

  #release() {
    if (!this.acquire) return;
    this.#media?.removeEventListener('ended', this.#ended);
    this.#media?.stop();
    this.#media = null;
    for (const e of this.#elements) put(e, null);
  }
}

// A track of another peer.
//
// Events: 'media' (its MediaStreamTrack is here, or null: it went), 'updated' (muted, name,
// metadata), 'quality' (what is sent of it, and why it is not more), 'readable' (false: it is
// encrypted with a key that is not ours), 'ended'.
export class RemoteTrack extends Emitter {
  media = null;
  quality = null;
  readable = true;
  subscribed = true;
  #own = {};
  #told = null;
  #elements = new Set();
  #view;

  constructor(room, peer, info) {
    super();
    Object.assign(this, {room, peer, id: info.track, kind: info.kind});
    this.update(info);
    if (this.kind === 'video') this.#view = new View(() => this.#wish());
  }

  // Shows or plays it, in this element or in a new one. The size that the server sends follows
  // that of the element, and whether it can be seen.
  attach(element = elementFor(this.kind)) {
    this.#elements.add(element);
    put(element, this.media);
    if (this.kind === 'audio') this.room.plays(element);
    this.#view?.add(element);
    return element;
  }

  detach(element) {
    for (const e of element ? [element] : [...this.#elements]) {
      if (!this.#elements.delete(e)) continue;
      put(e, null);
      this.#view?.remove(e);
    }
  }

  get elements() {
    return [...this.#elements];
  }

  // What is wanted of it: {width, height, fps, priority (0 to 255), paused}. It goes before what
  // its elements say; members that are null leave that to them again.
  want(members) {
    this.#own = {...this.#own, ...members};
    this.#wish();
  }

  // false: not to be sent at all, until it is turned on again.
  async subscribe(on = true) {
    await this.room.ask('subscribe', {track: this.id, on});
    this.subscribed = on;
  }

  // For hosts: nobody is sent it until its owner turns it on again.
  mute() {
    return this.room.ask('mute', {peer: this.peer.id, track: this.id, muted: true});
  }

  // ---- for the room

  update({source, name, metadata, muted}) {
    Object.assign(this, {source, name, metadata, muted});
  }

  get info() {
    const {id: track, kind, source, name, metadata, muted} = this;
    return {track, kind, source, name, metadata, muted};
  }

  reads(readable) {
    if (this.readable === readable) return;
    this.readable = readable;
    this.emit('readable', readable);
  }

  gets(media) {
    if (this.media === media) return;
    this.media = media;
    for (const e of this.#elements) {
      put(e, media);
      if (media && this.kind === 'audio') this.room.plays(e);
    }
    if (media) this.renew(); // before it was offered, nothing could be wanted of it
    this.emit('media', media);
  }

  // The server does not know what is wanted: it forgot, or it is told too early.
  renew() {
    this.#told = null;
    this.#wish();
    if (!this.subscribed) this.room.tell('subscribe', {track: this.id, on: false});
  }

  end() {
    this.detach();
    this.#view?.close();
    this.media = null;
    this.emit('ended');
  }

  #wish() {
    const now = wish(this.#view?.seen ?? [], this.#own);
    if (same(now, this.#told) || (!this.#told && !Object.keys(now).length)) return;
    this.#told = now;
    this.room.tell('want', {track: this.id, ...now});
  }
}
