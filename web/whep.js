// Watches a stream by WHEP.
//
//   const v = new Viewer({url, token});
//   video.srcObject = v.stream;      // stays the same over reconnections
//   await v.start();

import {Session} from './session.js';

export class Viewer extends Session {
  stream = new MediaStream();

  prepare(pc) {
    for (const kind of ['audio', 'video']) pc.addTransceiver(kind, {direction: 'recvonly'});
    pc.addEventListener('track', ({track}) => {
      for (const old of this.stream.getTracks())
        if (old.kind === track.kind) this.stream.removeTrack(old);
      this.stream.addTrack(track);
    });
  }
}
