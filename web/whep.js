// Watches a stream by WHEP.
//
//   const v = new Viewer({url, token});
//   video.srcObject = v.stream;      // stays the same over reconnections
//   await v.start();
//   await v.wish({maxHeight: 360});  // of the picture; replaces what was wished before
//   await v.tracks();                // what is sent of each track, and why it is not more

import {linked} from './sdp.js';
import {ask, Session} from './session.js';

const LAYER = 'urn:ietf:params:whep:ext:core:layer';

export class Viewer extends Session {
  stream = new MediaStream();

  async wish(members) {
    await this.#layer({method: 'POST', body: JSON.stringify(members), headers: {'content-type': 'application/json'}});
  }

  async tracks() {
    const response = await this.#layer();
    return response ? (await response.json()).tracks : [];
  }

  // Nothing where the server has no such resource, or there is no session now.
  async #layer(init) {
    const url = this.links && linked(this.links.header, LAYER);
    return url ? ask(new URL(url, this.links.base), init) : null;
  }

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
