// A participant of a call, with the peer that Mattermost's clients have: what it has to tell goes to
// window.toPlugin(key, type, data), as it goes to their server.

import {RTCPeer} from '/calls-common/rtc_peer';
import '/participant.js';

const {rig} = window;
const peers = {};
const quiet = {logDebug: () => {}, logWarn: () => {}, logInfo: () => {}, logErr: (...args) => console.error(...args)};

rig.enter = (key, {simulcast = false} = {}) => {
  const peer = peers[key] = new RTCPeer({iceServers: [], logger: quiet, simulcast});
  rig.pcs[key] = peer.pc;
  rig.states[key] = [];
  for (const kind of ['offer', 'answer']) peer.on(kind, d => window.toPlugin(key, 'sdp', JSON.stringify(d)));
  peer.on('candidate', c => window.toPlugin(key, 'ice', JSON.stringify(c)));
  for (const kind of ['connect', 'close', 'error'])
    peer.on(kind, e => rig.states[key].push(e ? `${kind}: ${e.message ?? e}` : kind));
  // The latest of each kind that came, by the name of the key and the kind.
  peer.on('stream', stream => rig.show(`${key}-${stream.getTracks()[0].kind}`, stream));
};

rig.signal = (key, data) => peers[key].signal(data);

// One kind of what is made here; returns the id of the stream.
const part = (source, kind) => new MediaStream(rig.streams[source].stream.getTracks().filter(t => t.kind === kind));

rig.unmute = async (key, source) => {
  const stream = part(source, 'audio');
  await peers[key].addTrack(stream.getTracks()[0], stream);
};

rig.setMuted = (key, source, muted) => {
  const [track] = rig.streams[source].stream.getAudioTracks();
  peers[key].replaceTrack(track.id, muted ? null : track);
};

const screens = {};
rig.prepareScreen = (key, source) => (screens[key] = part(source, 'video')).id;
rig.startScreen = key => peers[key].addStream(screens[key]);
rig.stopScreen = key => screens[key].getTracks().forEach(t => peers[key].removeTrack(t.id));

rig.rtt = key => peers[key].getRTT();
rig.hangUp = key => {
  peers[key].destroy();
  delete peers[key];
};
