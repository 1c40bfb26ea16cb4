// A room, joined: who is in it, what they send, and what is sent to them.
//
//   const room = await connect({room: 'standup', token, name: 'Ada'});
//   room.on('trackStarted', track => document.body.append(track.attach()));
//   await room.publishCamera();
//
// It comes back by itself: a socket that was lost is resumed, media goes on meanwhile; a network
// that changed gets new ICE credentials; a server that forgot us is joined again, and given all
// that was published.

import * as devices from './devices.js';
import {Emitter} from './emitter.js';
import {coding} from './coding.js';
import {shareable} from './connection.js';
import {RoomError} from './errors.js';
import {Media} from './media.js';
import {Peer} from './peers.js';
import {Place} from './place.js';
import {LocalTrack} from './tracks.js';

// Events: see index.d.ts.
export class Room extends Emitter {
  state = 'idle'; // connecting, connected, reconnecting, closed
  name;
  metadata = '';
  locked = false;
  viewers = 0; // who only watch
  me = null; // {id, name, role, metadata, permissions, tracks: LocalTracks by id}
  peers = new Map(); // the others, by id
  speaker = null; // the Peer who speaks now, or spoke last; `me` when it is oneself
  #options;
  #place = null; // Place, the last one
  #media = null; // Media; null: not in the room
  #published = new Set(); // LocalTracks
  #streams = {};
  #silenced = new Set(); // elements that the browser did not let play
  #speakers = null; // id of the output device
  #changed = false; // the network, since media was last looked for
  #pagehide = () => this.leave();
  #online = () => this.#network();
  #readable = (id, readable) => this.#tracks().find(t => t.media?.id === id)?.reads(readable);

  // {url, room, token, name, metadata, create, data, connections, e2ee, playAudio}; token may be a
  // function that fetches one for the room that it is told.
  constructor(options) {
    super();
    this.#options = {url: globalThis.location?.origin, data: true, playAudio: true, ...options};
    this.name = options.room;
  }

  async connect() {
    if (this.state !== 'idle' && this.state !== 'closed') return this;
    const {url, token} = this.#options;
    const place = this.#place = new Place({url, token, room: this.name, moved: this.#place?.moved,
      introduce: () => this.#introduction,
      joined: answer => {
        this.#joined(answer);
        if (!place.over) this.#enter('connected');
      },
      says: m => this.#take(m),
      lost: error => this.#enter('reconnecting', error),
      over: error => this.#close(error)});
    this.#enter('connecting');
    try {
      await place.enter();
    } catch (error) {
      if (!place.over) this.#enter('idle');
      throw error;
    }
    this.#options.e2ee?.on('readable', this.#readable); // which may be that of other rooms, too
    globalThis.addEventListener?.('pagehide', this.#pagehide);
    globalThis.addEventListener?.('online', this.#online);
    globalThis.navigator?.connection?.addEventListener?.('change', this.#online);
    return this;
  }

  async leave() {
    if (this.state === 'closed') return;
    this.#place?.leave();
    this.#close(new RoomError('left'));
  }

  // ---- what is sent

  // {deviceId, size, fps, facing} of devices.camera; {how: 'simulcast' | 'svc' | 'single', codec,
  // maxBps, name, metadata}.
  publishCamera(options = {}) {
    return this.#capture(() => devices.camera(options), {source: 'camera', ...options});
  }

  // {deviceId, processing, name, metadata}
  publishMicrophone(options = {}) {
    return this.#capture(() => devices.microphone(options), {source: 'microphone', ...options});
  }

  // {audio, fps, motion, codec, maxBps}. Resolves to one or two tracks.
  async publishScreen(options = {}) {
    const {video, audio} = await devices.screen(options), tracks = [];
    try {
      tracks.push(await this.publish(video, {source: 'screen', ...options, how: 'single'}));
      if (audio) tracks.push(await this.publish(audio, {source: 'screen-audio'}));
    } catch (error) { // nothing of it is captured any longer
      for (const t of tracks) this.unpublish(t);
      video.stop();
      audio?.stop();
      throw error;
    }
    tracks[0].on('ended', () => tracks.forEach(t => this.unpublish(t)));
    return tracks;
  }

  // Any MediaStreamTrack.
  async publish(media, {source = media.kind === 'audio' ? 'microphone' : 'camera', ...options} = {}) {
    const track = new LocalTrack(this, media, {source, ...options, ...coding(media, source, {...options, sealed: !!this.#options.e2ee})});
    if (options.muted) Object.assign(track, {muted: true});
    this.#published.add(track);
    try {
      await this.#mediaNow().add(track);
    } catch (error) {
      if (!error.passing) {
        this.#published.delete(track);
        throw error;
      }
    }
    return track;
  }

  async unpublish(track) {
    if (!this.#published.delete(track)) return;
    track.stop();
    this.me?.tracks.delete(track.id);
    await this.#media?.remove(track).catch(error => {
      if (!error.passing) throw error;
    });
  }

  get published() {
    return [...this.#published];
  }

  async #capture(acquire, options) {
    const media = await acquire();
    try {
      return await this.publish(media, {...options, acquire});
    } catch (error) {
      media.stop();
      throw error;
    }
  }

  #mediaNow() {
    if (!this.#media) throw new RoomError('left');
    return this.#media;
  }

  // ---- messages

  // data: a string, or octets. {to: ids or Peers, lossy}. false: a lossy one was not sent.
  async send(data, {to = [], lossy = false} = {}) {
    if (!this.#media?.lines || !this.can('data')) throw new RoomError('forbidden', 'You may not send messages here.');
    return this.#media.lines.send(data, {to: to.map(p => p.id ?? p), lossy});
  }

  // ---- oneself, and the room

  update({name, metadata}) {
    return this.ask('update', {...(name === undefined ? {} : {name}), ...(metadata === undefined ? {} : {metadata})});
  }

  can(permission) {
    return this.me?.permissions.includes(permission) ?? false;
  }

  setLocked(locked) {
    return this.ask('lock', {locked});
  }

  setMetadata(metadata) {
    return this.ask('room', {metadata});
  }

  // For hosts: who only watches, as peers without tracks, who can be given another role or sent away.
  async watchers() {
    const infos = [];
    for (let more = true; more;) {
      const page = await this.ask('watchers', infos.length ? {after: infos.at(-1).peer} : {});
      infos.push(...page.watchers);
      ({more} = page);
    }
    return infos.map(info => new Peer(this, info));
  }

  // For hosts: everybody is sent away.
  close() {
    return this.ask('close');
  }

  // ---- sound

  // After a click: plays what the browser held back ('audioBlocked').
  async startAudio() {
    const held = [...this.#silenced];
    this.#silenced.clear();
    await Promise.all(held.map(e => this.plays(e)));
  }

  // Where sound comes out, where the browser can choose; id: of devices.list('speaker').
  async setSpeaker(id) {
    this.#speakers = id;
    const elements = this.#tracks().filter(t => t.kind === 'audio').flatMap(t => t.elements);
    await Promise.all(elements.map(e => e.setSinkId?.(id ?? '')));
  }

  // ---- numbers

  // {send: {rtt, available}, receive: {rtt}, tracks: Map of track: measures}
  async stats() {
    return this.#media?.stats(this.#published, this.#tracks()) ?? {send: {}, receive: {}, tracks: new Map()};
  }

  // The RTCPeerConnections, for those who want to look; of `connections: 1` they are the same.
  get connections() {
    return this.#media?.connections ?? {send: null, receive: null};
  }

  // New ICE credentials, as after a change of the network.
  restartIce() {
    this.#media?.restartIce();
  }

  // ---- for tracks and peers

  ask(type, members) {
    return this.#place ? this.#place.ask(type, members) : Promise.reject(new RoomError('lost'));
  }

  tell(type, members) {
    this.#place?.tell(type, members);
  }

  sender(track) {
    return this.#media?.sender(track) ?? null;
  }

  outgoing(source) {
    const which = source.startsWith('screen') ? 'screen' : 'camera';
    return this.#streams[which] ??= new MediaStream();
  }

  // false: it is said again when we are back.
  tellMuted(track, muted) {
    return this.ask('mute', {track: track.id, muted}).then(() => true, error => {
      if (!error.passing) throw error;
      return false;
    });
  }

  async plays(element) {
    if (this.#speakers) await element.setSinkId?.(this.#speakers).catch(() => {});
    await element.play?.().catch(error => {
      if (error.name !== 'NotAllowedError') return;
      this.#silenced.add(element);
      this.emit('audioBlocked');
    });
  }

  // ---- joining, and coming back

  // Ways, on one connection.
  get #both() {
    return this.#options.connections === 1 && shareable();
  }

  get #introduction() {
    const {name, metadata, create} = this.#options;
    return {name: this.me?.name ?? name, metadata: this.me?.metadata ?? metadata, create, connections: this.#both ? 1 : undefined};
  }

  #joined(m) {
    const before = this.me;
    this.me = {id: m.peer, name: m.name, role: m.role, metadata: m.metadata, permissions: m.permissions, tracks: before?.tracks ?? new Map()};
    Object.assign(this, {metadata: m.room.metadata, locked: m.room.locked, viewers: m.viewers});
    if (!m.resumed) this.#fresh(m);
    this.#peersNow(m.peers);
    for (const t of this.#tracks()) t.renew();
    if (m.resumed) this.#resumed(m);
    if (before) this.emit('roomUpdated');
  }

  // The server knows nothing of us: all media begins anew.
  #fresh({ice_servers: ice}) {
    this.#media?.close();
    this.me.tracks.clear();
    for (const t of this.#published) t.published(null);
    this.#changed = false;
    const {e2ee: encryption} = this.#options;
    this.#media = new Media({ice, encryption, both: this.#both,
      ask: async (type, members) => this.#answered(await this.ask(type, members)),
      tell: (type, members) => this.tell(type, members),
      heard: this.#speaks ? this.#heard : null,
      path: (which, state) => this.emit('path', which, state),
      media: (id, media) => this.#remote(id)?.gets(media),
      refused: (track, error) => this.#refused(track, error)});
    this.#begins(this.#media.open(this.published));
  }

  get #speaks() {
    return this.#options.data && (this.can('data') || this.can('subscribe')); // who may only read has the same channels
  }

  // What fails then is nobody's call.
  #begins(negotiation) {
    negotiation?.catch(error => this.emit('trouble', error));
  }

  // It was sent before we came back, and may not be sent here.
  #refused(track, error) {
    this.unpublish(track).catch(() => {});
    track.emit('ended');
    this.emit('trouble', error);
  }

  // What we may do here has become more, or less: what may not be sent any more is not captured either.
  #permitted() {
    if (this.#speaks) this.#begins(this.#media.speak(this.#heard));
    if (this.can('publish')) return;
    for (const t of this.published) {
      this.unpublish(t).catch(() => {}); // of who sends nothing the server, which ended it already, takes no offer
      t.emit('ended');
    }
  }

  // An offer may have been lost with the socket, and so may a mute.
  #resumed({tracks}) {
    for (const t of this.#published) {
      const known = tracks.find(k => k.track === t.id);
      if (known) this.#begins(t.resumed(known.muted));
    }
    this.#permitted();
    if (this.#changed) this.restartIce();
    else this.#begins(this.#media.negotiate());
    this.#changed = false;
  }

  #answered(answer) {
    queueMicrotask(() => {
      this.me?.tracks.clear();
      for (const t of this.#published) if (t.id) this.me?.tracks.set(t.id, t);
    });
    return answer;
  }

  // The way out may be another one now, on which our socket is dead and nobody says so; and so is one that
  // is under way.
  #network() {
    if (this.state !== 'connected' && this.state !== 'reconnecting') return;
    this.#changed = true;
    if (this.state === 'connected') {
      this.restartIce();
      this.#place.probe().then(() => { this.#changed = false; }, () => {});
    } else this.#place.hurry();
  }

  #close(error) {
    if (this.state === 'closed') return;
    this.#options.e2ee?.off('readable', this.#readable);
    globalThis.removeEventListener?.('pagehide', this.#pagehide);
    globalThis.removeEventListener?.('online', this.#online);
    globalThis.navigator?.connection?.removeEventListener?.('change', this.#online);
    for (const t of this.#published) t.stop();
    this.#published.clear();
    this.#media?.close();
    this.#media = null;
    this.#peersNow([]);
    this.#enter('closed', error);
  }

  #enter(state, error) {
    if (this.state === state) return;
    this.state = state;
    this.emit('state', state, error ?? null);
  }

  // ---- what the server says

  #take(m) {
    if (Object.hasOwn(Room.#TAKEN, m.type)) Room.#TAKEN[m.type](this, m);
  }

  // One for each message (docs/rooms.md); those of later versions are not looked at.
  static #TAKEN = {
    offer: (r, m) => r.#media.offered(m),
    gone: (r, m) => r.#begins(r.#media.gone(m.of, r.published)),
    peer_joined: (r, m) => r.#enters(m.peer),
    peer_left: (r, m) => r.#leaves(r.peers.get(m.peer), m.reason),
    peer_updated: (r, m) => r.#updated(m),
    viewers: (r, m) => r.#set({viewers: m.count}, 'viewers', m.count),
    track_started: (r, m) => r.#tracksOf(m.peer, list => [...list, m.track]),
    track_updated: (r, m) => r.#tracksOf(m.peer, list => list.map(t => t.track === m.track.track ? m.track : t)),
    track_ended: (r, m) => r.#tracksOf(m.peer, list => list.filter(t => t.track !== m.track)),
    speakers: (r, m) => r.#speaking(m),
    quality: (r, m) => r.#quality(m),
    wanted: (r, m) => r.#own(m.track)?.choose(m.encodings),
    moved: (r, m) => r.#moves(m),
    muted: (r, m) => r.#begins(r.#own(m.track)?.told(m.muted, m.by)),
    data: (r, m) => r.emit('data', m.text, r.peers.get(m.from) ?? null, {lossy: false}),
    room_updated: (r, {room: {metadata, locked}}) => r.#set({metadata, locked}, 'roomUpdated'),
  };

  #set(members, event, ...said) {
    Object.assign(this, members);
    this.emit(event, ...said);
  }

  // The socket ends next, and we come back elsewhere: all that is published goes along.
  #moves({room, token}) {
    this.#place.moves(room, token);
    this.name = room;
    this.emit('moved', room);
  }

  #own = id => [...this.#published].find(t => t.id === id);
  #tracks = () => [...this.peers.values()].flatMap(p => [...p.tracks.values()]); // of the others
  #remote = id => this.#tracks().find(t => t.id === id);

  #peersNow(infos) {
    const there = new Set(infos.map(i => i.peer));
    for (const p of this.peers.values()) if (!there.has(p.id)) this.#leaves(p, 'left');
    for (const info of infos) this.#enters(info);
  }

  #enters(info) {
    let peer = this.peers.get(info.peer);
    if (peer) peer.update(info);
    else {
      peer = new Peer(this, info);
      this.peers.set(peer.id, peer);
      this.emit('peerJoined', peer);
    }
    this.#tracksNow(peer, info.tracks);
  }

  #leaves(peer, reason) {
    if (!peer) return;
    this.#tracksNow(peer, []);
    this.peers.delete(peer.id);
    if (this.speaker === peer) this.speaker = null;
    peer.emit('left', reason);
    this.emit('peerLeft', peer, reason);
  }

  #updated(m) {
    if (m.peer === this.me.id) {
      const {name, role, metadata, permissions = this.me.permissions} = m;
      Object.assign(this.me, {name, role, metadata, permissions});
      this.#permitted();
      return this.emit('meUpdated', this.me);
    }
    const peer = this.peers.get(m.peer);
    if (!peer) return;
    peer.update(m);
    peer.emit('updated');
    this.emit('peerUpdated', peer);
  }

  #tracksOf(id, change) {
    const peer = this.peers.get(id);
    if (peer) this.#tracksNow(peer, change([...peer.tracks.values()].map(t => t.info)));
  }

  #tracksNow(peer, infos) {
    const {started, updated, ended} = peer.reconcile(infos);
    for (const t of ended) {
      this.emit('trackEnded', t, peer); // whose elements are still to be found by it
      t.end();
    }
    for (const t of updated) {
      t.emit('updated');
      this.emit('trackUpdated', t, peer);
    }
    for (const t of started) {
      t.gets(this.#media?.media(t.id) ?? null);
      if (t.kind === 'audio' && this.#options.playAudio) t.attach();
      this.emit('trackStarted', t, peer);
    }
  }

  #speaking({peers, active}) {
    const levels = new Map(peers.map(p => [p.peer, p.level]));
    for (const p of this.peers.values()) p.hears(levels.get(p.id) ?? null);
    this.speaker = active === this.me.id ? this.me : this.peers.get(active) ?? this.speaker;
    this.emit('speakers', peers.map(p => ({peer: p.peer === this.me.id ? this.me : this.peers.get(p.peer), level: p.level})).filter(p => p.peer), this.speaker);
  }

  #quality({receive, send}) {
    for (const q of receive) {
      const track = this.#remote(q.track);
      if (!track) continue;
      track.quality = q;
      track.emit('quality', q);
    }
    this.emit('quality', {receive, send});
  }

  #heard = ({from, data, lossy}) => this.emit('data', data, this.peers.get(from) ?? null, {lossy});
}
