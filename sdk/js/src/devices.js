// Camera, microphone and screen. What cannot be had is a DeviceError, in plain words.

import {DeviceError, deviceCode} from './errors.js';

async function capture(what, from, ask) {
  const devices = globalThis.navigator?.mediaDevices;
  if (!devices) throw new DeviceError(globalThis.isSecureContext === false ? 'insecure' : 'unsupported', what);
  if (!devices[from]) throw new DeviceError('unsupported', what);
  try {
    return await ask(devices);
  } catch (error) {
    throw new DeviceError(deviceCode(what, error), what, error);
  }
}

const exactly = id => id ? {deviceId: {exact: id}} : {};

// Picture sizes by name, and what they are asked of a camera.
export const SIZES = Object.freeze({
  '180p': [320, 180], '360p': [640, 360], '540p': [960, 540], '720p': [1280, 720], '1080p': [1920, 1080],
});

// {deviceId, size: '720p' or [width, height], fps, facing: 'user' | 'environment'}
export async function camera({deviceId, size = '720p', fps = 30, facing} = {}) {
  const [width, height] = SIZES[size] ?? size;
  const stream = await capture('camera', 'getUserMedia', devices => devices.getUserMedia({
    video: {...exactly(deviceId), width: {ideal: width}, height: {ideal: height}, frameRate: {ideal: fps},
      ...(facing ? {facingMode: facing} : {})},
  }));
  return stream.getVideoTracks()[0];
}

// {deviceId, processing}: echo cancellation, noise suppression and gain, on unless false; without
// them, for music.
export async function microphone({deviceId, processing = true} = {}) {
  const stream = await capture('microphone', 'getUserMedia', devices => devices.getUserMedia({
    audio: {...exactly(deviceId), echoCancellation: processing, noiseSuppression: processing, autoGainControl: processing},
  }));
  return stream.getAudioTracks()[0];
}

// {audio, fps, motion}: the picture, and its sound where browser and person give it. motion: a
// film, whose movement matters more than its letters.
export async function screen({audio = true, fps = 15, motion = false} = {}) {
  const stream = await capture('screen', 'getDisplayMedia', devices => devices.getDisplayMedia({
    video: {frameRate: {ideal: motion ? 30 : fps}}, audio,
  }));
  const [video] = stream.getVideoTracks(), [sound] = stream.getAudioTracks();
  video.contentHint = motion ? 'motion' : 'detail';
  return {video, audio: sound};
}

const KINDS = {camera: 'videoinput', microphone: 'audioinput', speaker: 'audiooutput'};
const TITLES = {camera: 'Camera', microphone: 'Microphone', speaker: 'Speaker'};

// [{id, label}] of 'camera', 'microphone' or 'speaker'. Browsers tell names after a permission was
// given once; until then they are numbered.
export async function list(what) {
  const all = await globalThis.navigator?.mediaDevices?.enumerateDevices?.() ?? [];
  return all.filter(d => d.kind === KINDS[what] && d.deviceId)
    .map((d, i) => ({id: d.deviceId, label: d.label || `${TITLES[what]} ${i + 1}`}));
}

// Calls back when a device comes or goes; returns what ends that.
export function watch(changed) {
  const devices = globalThis.navigator?.mediaDevices;
  devices?.addEventListener?.('devicechange', changed);
  return () => devices?.removeEventListener?.('devicechange', changed);
}
