// Watches a stream by WHEP.
//
//   const v = new Viewer({url, token});
//   video.srcObject = v.stream;      // stays the same over reconnections
//   await v.start();

import {Session} from './session.js';

export class Viewer extends Session {
  stream = new MediaStream();

  prepare(pc) {
    for (const kind of ['audio', 'video'])
      describe(pc.addTransceiver(kind, {direction: 'recvonly'}));
    pc.addEventListener('track', ({track}) => {
      for (const old of this.stream.getTracks())
        if (old.kind === track.kind) this.stream.removeTrack(old);
      this.stream.addTrack(track);
    });
  }
}

// Sizes of AV1 in one stream are told apart by a header extension that browsers know, and offer
// only when asked to.
function describe(transceiver) {
  const all = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
  for (const e of all)
    if (e.uri.endsWith('#dependency-descriptor-rtp-header-extension') && e.direction === 'stopped')
      e.direction = 'sendrecv';
  if (all.length) transceiver.setHeaderExtensionsToNegotiate(all);
}
