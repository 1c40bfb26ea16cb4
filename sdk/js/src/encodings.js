// How a picture is sent: one stream, several (simulcast), or one with layers inside (SVC).
// Arithmetic only.

// What a picture of this height is worth, in bit/s at 30 frames a second.
const WORTH = [[120, 90_000], [180, 150_000], [270, 300_000], [360, 500_000], [540, 1_000_000],
  [720, 1_700_000], [1080, 3_000_000], [1440, 5_000_000], [2160, 9_000_000]];

export function worth(height, fps = 30) {
  const i = WORTH.findIndex(([h]) => h >= height);
  const [[h0, b0], [h1, b1]] = i === 0 ? [[0, 0], WORTH[0]] : [WORTH.at(i < 0 ? -2 : i - 1), WORTH.at(i)];
  const bps = b0 + (b1 - b0) * (Math.min(height, h1) - h0) / (h1 - h0);
  // Half as many frames need more than half of the bits: each differs more from the last.
  return Math.round(bps * (fps / 30) ** 0.7 / 1000) * 1000;
}

const LAYERED = new Set(['VP9', 'AV1']);
const RIDS = ['q', 'h', 'f'];
const SMALLEST = 90; // lines below which a layer is of no use to anybody

// How many sizes Chromium sends of a picture of so many pixels. Of more it leaves out the last,
// and that is the largest: 640x360 in three sizes would never be seen with more than 180 lines.
const THREE = 960 * 540, TWO = 480 * 270;
const sizes = pixels => pixels >= THREE ? 3 : pixels >= TWO ? 2 : 1;

// sendEncodings of a camera. how: 'simulcast', 'svc' or 'single'. width, height, fps: of the source.
export function camera({how = 'simulcast', height = 720, width = height * 16 / 9, fps = 30, maxBps, codec} = {}) {
  const most = Math.min(maxBps ?? Infinity, worth(height, fps));
  if (how === 'svc' && LAYERED.has(codec)) return [{maxBitrate: most, maxFramerate: fps, scalabilityMode: 'L3T3_KEY'}];
  if (how === 'single' || how === 'svc') return [{maxBitrate: most, maxFramerate: fps}];
  const scales = [4, 2, 1].slice(-sizes(width * height)).filter(s => s === 1 || height / s >= SMALLEST);
  return scales.map((scale, i) => ({
    rid: RIDS[i + RIDS.length - scales.length], scaleResolutionDownBy: scale, maxFramerate: fps,
    maxBitrate: scale === 1 ? most : Math.min(most, worth(height / scale, fps)),
  }));
}

// Of a screen: whole letters at few frames, or a film.
export function screen({fps = 15, maxBps, motion = false} = {}) {
  return [{maxBitrate: maxBps ?? (motion ? 3_500_000 : 2_000_000), maxFramerate: motion ? 30 : fps}];
}

// codecs: what the browser can send, as of getCapabilities; chosen: 'VP8' and the like. The chosen
// one comes first, then what serves every codec. null: there is no such codec here.
export function preferred(codecs, chosen) {
  const name = c => c.mimeType.split('/')[1].toUpperCase();
  const first = codecs.filter(c => name(c) === chosen.toUpperCase());
  return first.length ? [...first, ...codecs.filter(c => ['RTX', 'RED', 'ULPFEC'].includes(name(c)))] : null;
}

// The parameters of a sender when only these encodings are wanted; the empty string is one without
// a rid. Gives null where nothing changes. How much each may send, the path itself says (REMB).
export function wanted(parameters, rids) {
  const active = parameters.encodings.map(e => rids.includes(e.rid ?? ''));
  if (parameters.encodings.every((e, i) => active[i] === (e.active ?? true))) return null;
  return {...parameters, encodings: parameters.encodings.map((e, i) => ({...e, active: active[i]}))};
}
