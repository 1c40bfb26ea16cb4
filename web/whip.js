// Publishes tracks by WHIP (RFC 9725).
//
//   new Publisher({url, token, audio, video, codec, encodings})
//
// audio, video: a MediaStreamTrack; null: nothing for now (replace() may give one later);
// undefined: never. codec: 'VP8', 'VP9', 'H264', 'AV1', or undefined for the browser's choice.
// encodings: as of RTCRtpTransceiverInit, one for each simulcast layer.

import {Session} from './session.js';

export const SIMULCAST = [
  {rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000},
  {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000},
  {rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_700_000},
];

// Those for a picture of this size. Of more sizes than Chromium finds it large enough for, it
// leaves out the largest.
export function simulcast({width = 1280, height = 720} = {}) {
  return SIMULCAST.slice(width * height >= 960 * 540 ? -3 : width * height >= 480 * 270 ? -2 : -1);
}

export class Publisher extends Session {
  #tracks;
  #codec;
  #encodings;
  #senders = {};

  constructor({audio, video, codec, encodings, ...options}) {
    super(options);
    this.#tracks = {audio, video};
    this.#codec = codec;
    this.#encodings = encodings;
  }

  prepare(pc) {
    const stream = new MediaStream();
    for (const kind of ['audio', 'video']) {
      const track = this.#tracks[kind];
      if (track === undefined) continue;
      const transceiver = pc.addTransceiver(track ?? kind, {
        direction: 'sendonly', streams: [stream],
        ...(kind === 'video' && this.#encodings ? {sendEncodings: this.#encodings} : {}),
      });
      if (kind === 'video' && this.#codec) prefer(transceiver, this.#codec);
      this.#senders[kind] = transceiver.sender;
    }
  }

  // Another camera, or none (null), without negotiating.
  async replace(kind, track) {
    this.#tracks[kind] = track;
    if (this.pc) await this.#senders[kind].replaceTrack(track);
  }
}

// What helps every codec stays on offer behind the chosen one.
function prefer(transceiver, codec) {
  const all = RTCRtpReceiver.getCapabilities('video').codecs;
  const chosen = all.filter(c => c.mimeType.toLowerCase() === `video/${codec}`.toLowerCase());
  if (!chosen.length) throw new Error(`This browser cannot send ${codec}.`);
  transceiver.setCodecPreferences([...chosen, ...all.filter(c => /\/(rtx|red|ulpfec)$/i.test(c.mimeType))]);
}
