// What a track is coded with, of what this browser has.

import {CODECS} from './e2ee/encryption.js';
import {camera, preferred, screen} from './encodings.js';
import {RoomError} from './errors.js';

const LAYERED = 'VP9'; // the codec of layers that all browsers show

// {codecs, encodings} of a LocalTrack. sealed: it is encrypted end to end.
export function coding(media, source, {how, codec, maxBps, motion, fps, sealed}) {
  if (media.kind === 'audio') return {};
  const chosen = codec ?? (how === 'svc' ? LAYERED : sealed ? CODECS[0] : undefined);
  if (sealed && !CODECS.includes(chosen)) throw new RoomError('unsupported', `${chosen} cannot be encrypted end to end.`);
  const codecs = chosen ? preferred(RTCRtpReceiver.getCapabilities('video').codecs, chosen) : undefined;
  if (codecs === null) throw new RoomError('unsupported', `This browser cannot send ${chosen}.`);
  const {width, height = 720, frameRate = 30} = media.getSettings();
  const encodings = source === 'screen' ? screen({fps, maxBps, motion}) :
    camera({how, width, height, fps: Math.round(frameRate), maxBps, codec: chosen});
  return {codecs, encodings};
}
