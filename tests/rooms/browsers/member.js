// What a test needs inside a page that takes part in rooms by the SDK, under window.member. One
// page may have many members; what each sees and hears of another is under "ME/OTHER/SOURCE" in
// the rig's streams (participant.js), by their names.

import * as sdk from '/sdk/index.js';

const {rig} = window;
const members = {}; // by name: {room, log}

// Sockets, so that a test can cut one; and what was said on them.
const sockets = [], said = [], attempts = [];
window.WebSocket = class extends window.WebSocket {
  constructor(...args) {
    super(...args);
    attempts.push(performance.now());
    sockets.push(this);
    this.addEventListener('message', e => said.push(['say', JSON.parse(e.data)]));
  }
  send(text) {
    said.push(['ask', JSON.parse(text)]);
    super.send(text);
  }
};

// Connections, so that one that is left open is found.
const connections = [];
window.RTCPeerConnection = class extends window.RTCPeerConnection {
  constructor(...args) {
    super(...args);
    connections.push(this);
  }
};

// All in one place, so that all can be seen.
function place(element, [width, height]) {
  Object.assign(element.style, {position: 'fixed', left: 0, top: 0, width: `${width}px`, height: `${height}px`});
  document.body.append(element);
}

function follow(me, track, size) {
  const key = `${me}/${track.peer.name}/${track.source}`;
  const set = () => {
    const slot = rig.streams[key] ??= {stream: new MediaStream()};
    for (const t of slot.stream.getTracks()) slot.stream.removeTrack(t);
    if (track.media) slot.stream.addTrack(track.media);
  };
  set();
  track.on('media', set);
  if (track.kind === 'video') {
    const element = rig.streams[key].element = track.attach();
    place(element, size);
    track.on('ended', () => element.remove());
  }
}

const found = (me, other, source) => {
  const peer = [...members[me].room.peers.values()].find(p => p.name === other);
  return peer?.track(source) ?? null;
};

window.member = {
  // Since this was asked last.
  said: () => said.splice(0),

  // name: also of the member among those of this page. words: for encryption. size: of the
  // elements that show others. asks: the name of a function of the page that has the
  // token of a room.
  async join({name, words, size = [160, 90], asks, ...options}) {
    const e2ee = words ? new sdk.Encryption() : undefined;
    await e2ee?.setPassphrase(words, {salt: options.room});
    const room = new sdk.Room({...options, name, e2ee, ...(asks ? {token: window[asks]} : {})}), log = [];
    members[name] = {room, log, e2ee, published: {}};
    room.on('trackStarted', track => follow(name, track, size));
    room.on('data', (data, from, {lossy}) => log.push({data: typeof data === 'string' ? data : data.length,
      sum: typeof data === 'string' ? undefined : data.reduce((n, x) => (n * 31 + x) % 65521, 7), from: from?.name ?? null, lossy}));
    room.on('moved', to => log.push({moved: to}));
    room.on('state', (state, error) => log.push({state, code: error?.code}));
    room.on('peerJoined', p => log.push({joined: p.name}));
    room.on('peerLeft', (p, reason) => log.push({left: p.name, reason}));
    room.on('trackEnded', (t, p) => log.push({ended: `${p.name}/${t.source}`}));
    room.on('trouble', error => log.push({trouble: error.message, code: error.code}));
    try {
      await room.connect();
    } catch (error) {
      delete members[name];
      return {refused: error.code, detail: error.message};
    }
    return {peer: room.me.id, role: room.me.role, permissions: room.me.permissions};
  },

  // What the rig has made under this name; or the device itself.
  async publish(me, {source = 'camera', from, ...options}) {
    const {room, published} = members[me];
    try {
      if (source === 'screen' && !from) [published.screen] = await room.publishScreen(options);
      else if (!from) published[source] = await room[source === 'camera' ? 'publishCamera' : 'publishMicrophone'](options);
      else {
        const kind = source === 'microphone' ? 'audio' : 'video';
        let track = rig.streams[from].stream.getTracks().find(t => t.kind === kind);
        if (source === 'screen' || room.published.some(t => t.media === track)) track = track.clone(); // each ends by itself
        published[source] = await room.publish(track, {source, how: 'single', ...options, acquire: async () => track});
      }
      published[source].on('unmuteAsked', by => members[me].log.push({asked: source, by}));
      return published[source].id;
    } catch (error) {
      return {refused: error.code ?? error.name, detail: error.message};
    }
  },
  async unpublish(me, source) {
    const {room, published} = members[me];
    await room.unpublish(published[source]);
  },

  // Of one's own track; of another's, with peer.
  mute: (me, source, muted, peer) => peer ? member.does(found(me, peer, source), 'mute') :
    members[me].published[source][muted ? 'mute' : 'unmute']({release: false}),
  own: (me, source) => {
    const t = members[me].published[source];
    return {id: t.id, muted: t.muted, by: [...members[me].room.peers.values()].find(p => p.id === t.mutedBy)?.name ?? t.mutedBy};
  },
  remote: (me, other, source) => {
    const t = found(me, other, source);
    return t && {id: t.id, muted: t.muted, media: !!t.media, readable: t.readable, cause: t.quality?.cause,
      height: rig.streams[`${me}/${other}/${source}`]?.element?.videoHeight};
  },
  // For those who joined with playAudio: false.
  play: (me, other, on) => {
    const t = found(me, other, 'microphone');
    if (on) t.attach();
    else t.detach();
  },
  // As a page does that is scrolled until the picture is far below the window, or back.
  scroll(me, other, away) {
    rig.streams[`${me}/${other}/camera`].element.style.top = away ? '20000px' : 0;
  },
  want: (me, other, source, wish) => found(me, other, source).want(wish),
  subscribe: (me, other, source, on) => found(me, other, source).subscribe(on),
  peer: (me, other, method, ...args) => member.does([...members[me].room.peers.values()].find(p => p.name === other), method, ...args),
  // Viewers are not among the peers; who may send them away can ask who they are.
  async promote(me, name, role) {
    const watcher = (await members[me].room.watchers()).find(p => p.name === name);
    return watcher ? member.does(watcher, 'setRole', role) : 'nobody';
  },
  room: (me, method, ...args) => member.does(members[me].room, method, ...args),
  does: (it, method, ...args) => it[method](...args).then(() => 'done', e => e.code),

  // anyway: as an SDK would that does not look at what it may.
  async send(me, {text, octets, to = [], lossy, anyway}) {
    const {room} = members[me];
    if (anyway) room.me.permissions.push('data');
    const ids = [...room.peers.values()].filter(p => to.includes(p.name));
    const data = text ?? Uint8Array.from({length: octets}, (_, i) => i * 7 + 1);
    return room.send(data, {to: ids, lossy}).catch(e => e.code);
  },
  // As fast as it can: words with numbers, or pieces that begin with them. How many were taken.
  async sendAll(me, n, octets) {
    const piece = i => Uint8Array.from({length: octets}, (_, k) => k ? k * 7 + 1 : i);
    const all = Array.from({length: n}, (_, i) => members[me].room.send(octets ? piece(i) : `word ${i}`));
    return (await Promise.all(all)).filter(taken => taken === true).length;
  },
  // What came of that.
  words: (me, from) => members[me].log.filter(e => e.from === from && /^word /.test(e.data)).map(e => Number(e.data.slice(5))),
  pieces: (me, from, octets) => members[me].log.filter(e => e.from === from && e.data === octets).map(e => e.sum),
  // How long each of n messages took to another member of this page, in ms.
  async lags(me, other, n) {
    const {room} = members[other], took = [];
    for (let i = 0; i < n; i++) {
      const begun = performance.now();
      const heard = new Promise(resolve => {
        const off = room.on('data', text => text === `lag ${i}` && resolve(off()));
      });
      await member.send(me, {text: `lag ${i}`, to: [other]});
      await heard;
      took.push(performance.now() - begun);
    }
    return took;
  },
  log: me => members[me].log,
  state: me => {
    const {room} = members[me];
    return {state: room.state, me: room.me?.id, role: room.me?.role, locked: room.locked, viewers: room.viewers,
      metadata: room.metadata, sends: room.published.map(t => t.source), speaker: room.speaker?.name,
      peers: [...room.peers.values()].map(p => ({name: p.name, role: p.role, metadata: p.metadata, speaking: p.speaking,
        tracks: [...p.tracks.values()].map(t => t.source)})).sort((a, b) => a.name.localeCompare(b.name))};
  },
  async numbers(me) {
    const {connections} = members[me].room, out = {};
    for (const [way, pc] of Object.entries(connections)) {
      const all = pc ? [...(await pc.getStats()).values()] : [];
      out[way] = pc && {state: pc.connectionState, ufrag: /a=ice-ufrag:(\S+)/.exec(pc.currentLocalDescription?.sdp)?.[1],
        sections: pc.getTransceivers().length, sending: pc.getSenders().filter(s => s.track?.readyState === 'live').map(s => s.track.kind),
        codecs: all.filter(s => s.type === 'inbound-rtp' && s.kind === 'video').map(s => all.find(x => x.id === s.codecId)?.mimeType),
        frames: all.filter(s => s.type === 'inbound-rtp' && s.kind === 'video').reduce((n, s) => n + (s.framesDecoded ?? 0), 0),
        encoded: all.filter(s => s.type === 'outbound-rtp' && s.kind === 'video').map(s =>
          ({rid: s.rid, height: s.frameHeight, n: s.framesEncoded, octets: s.bytesSent + s.headerBytesSent})),
        frozen: all.filter(s => s.type === 'inbound-rtp').reduce((n, s) => n + (s.totalFreezesDuration ?? 0), 0)};
    }
    return out;
  },
  // The rids that the sender of a track has not been told to rest.
  active: (me, source) => members[me].room.sender(members[me].published[source]).getParameters().encodings
    .filter(e => e.active).map(e => e.rid),
  // What came of another's voice.
  async sound(me, other) {
    const id = found(me, other, 'microphone')?.media?.id;
    const all = [...(await members[me].room.connections.receive.getStats()).values()];
    const {ssrc, packetsReceived, packetsLost, concealedSamples, silentConcealedSamples} =
      all.find(s => s.type === 'inbound-rtp' && s.trackIdentifier === id) ?? {packetsReceived: 0, packetsLost: 0};
    return {ssrc, packetsReceived, packetsLost, concealedSamples, silentConcealedSamples};
  },
  // How far the picture is behind the sound of one peer, in ms of the publisher's clock: 0 is in step.
  async apart(me, other) {
    const at = {}, all = [...(await members[me].room.connections.receive?.getStats())?.values() ?? []];
    for (const source of ['camera', 'microphone']) {
      const id = found(me, other, source)?.media?.id;
      at[source] = all.find(s => s.type === 'inbound-rtp' && s.trackIdentifier === id)?.estimatedPlayoutTimestamp;
    }
    return at.camera && at.microphone ? Math.abs(at.camera - at.microphone) : null;
  },
  // As a network does that goes away: all sockets of the page.
  cut: () => sockets.splice(0).forEach(s => s.close(3001)),
  // When each socket was begun.
  attempts: () => attempts,
  // What a browser says of its network: 'online', or 'change'; when, and after how many attempts.
  network(event) {
    const now = {at: performance.now(), attempts: attempts.length};
    (event === 'change' ? navigator.connection : window).dispatchEvent(new Event(event));
    return now;
  },
  restartIce: me => members[me].room.restartIce(),
  ratchet: me => members[me].e2ee.ratchet(),
  async leave(me) {
    await members[me].room.leave();
    members[me].e2ee?.close();
    delete members[me];
  },
  open: () => connections.filter(pc => pc.signalingState !== 'closed').length,
  present: () => Object.keys(members),
};
const {member} = window;
