// Who has a pass, and nothing else: no address of a server is known here, and nothing is ever asked
// of one. Under window.holder, beside the rig (participant.js).

const {rig} = window;
let certificates;

window.holder = {
  // The one that this page will show, in the words of a=fingerprint.
  async print() {
    certificates = [await RTCPeerConnection.generateCertificate({name: 'ECDSA', namedCurve: 'P-256'})];
    const [{algorithm, value}] = certificates[0].getFingerprints();
    return `${algorithm} ${value}`;
  },
  // Answers the pass for itself, sends what the rig made under `from`, and shows what comes as KEY/MID.
  async use(key, {sdp, tracks}, {from = 'local', own = true} = {}) {
    const pc = rig.pcs[key] = new RTCPeerConnection(own && certificates ? {certificates} : {});
    rig.states[key] = [];
    pc.addEventListener('connectionstatechange', () => rig.states[key].push(pc.connectionState));
    pc.addEventListener('track', e => rig.show(`${key}/${e.transceiver.mid}`, new MediaStream([e.track])));
    await pc.setRemoteDescription({type: 'offer', sdp});
    for (const t of pc.getTransceivers()) {
      const source = tracks[t.mid];
      if (!source) continue;
      const kind = /^(microphone|screen-audio)$/.test(source) ? 'audio' : 'video';
      t.direction = 'sendonly';
      await t.sender.replaceTrack(rig.streams[from].stream.getTracks().find(x => x.kind === kind));
    }
    await pc.setLocalDescription();
  },
  state: key => ({connection: rig.pcs[key].connectionState, been: rig.states[key]}),
  end: key => rig.pcs[key].close(),
};
