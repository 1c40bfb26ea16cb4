// Camera, microphone and screen, and what to tell people when one cannot be had.

const REASONS = {
  NotAllowedError: what => `Your browser was not allowed to use the ${what}. ` +
    'Allow it beside the address bar, then try again.',
  NotFoundError: what => `No ${what} was found on this device.`,
  NotReadableError: what => `The ${what} is in use by another program, or does not answer.`,
  OverconstrainedError: what => `The chosen ${what} is not connected any more.`,
};

async function capture(what, ask) {
  if (!navigator.mediaDevices)
    throw new Error(`Browsers give a ${what} to secure pages only: open this page by https:// or on localhost.`);
  try {
    return await ask();
  } catch (error) {
    if (what === 'screen' && error.name === 'NotAllowedError' && !/system/i.test(error.message))
      throw Object.assign(new Error('Nothing was shared.'), {name: 'Cancelled'});
    throw new Error(REASONS[error.name]?.(what) ?? `The ${what} cannot be used: ${error.message}`);
  }
}

const exactly = id => id ? {deviceId: {exact: id}} : {};

export async function camera(id) {
  const stream = await capture('camera', () => navigator.mediaDevices.getUserMedia({
    video: {...exactly(id), width: {ideal: 1280}, height: {ideal: 720}, frameRate: {ideal: 30}},
  }));
  return stream.getVideoTracks()[0];
}

export async function microphone(id) {
  const stream = await capture('microphone', () => navigator.mediaDevices.getUserMedia({
    audio: {...exactly(id), echoCancellation: true, noiseSuppression: true, autoGainControl: true},
  }));
  return stream.getAudioTracks()[0];
}

// The picture, and the sound where the browser and the person give it.
export async function screen() {
  const stream = await capture('screen', () => navigator.mediaDevices.getDisplayMedia({
    video: {frameRate: {ideal: 30}}, audio: true,
  }));
  const [video] = stream.getVideoTracks();
  video.contentHint = 'detail'; // text stays sharp
  return {video, audio: stream.getAudioTracks()[0]};
}

// Names are empty until a permission was given once.
export async function list(kind) {
  const all = await navigator.mediaDevices?.enumerateDevices() ?? [];
  return all.filter(d => d.kind === kind && d.deviceId)
    .map((d, i) => ({id: d.deviceId, label: d.label || `${kind === 'videoinput' ? 'Camera' : 'Microphone'} ${i + 1}`}));
}
