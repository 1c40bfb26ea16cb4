// Figures from series, and rows from figures.

import {row} from './rows.mjs';

const FIT = 0.9; // of a link, that a layer may need together with the sound
const FPS = 30, FEWER = 0.75; // of the source; a second with less of its frames is of a lower rate
const SPILLED = 1; // % that the link dropped: what has few frames by that does not fit
const SLOWEST = 100; // ms between frames that may be called usual

const within = (all, from, to) => all.filter(x => x.at >= from && x.at <= to);
export const quantile = (all, q) => {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? NaN;
};
const grown = (all, f) => all.length > 1 ? f(all.at(-1)) - f(all[0]) : 0;
const kbps = (all, octets) => all.length > 1 ? grown(all, octets) * 8 / (all.at(-1).at - all[0].at) : 0;

// What each of the publisher's streams needs on the wire, and its height, in a whole scene. One that
// nobody watches is not sent for a while: that time does not count.
export function layers(all) {
  return Object.keys(all.at(-1)?.layers ?? {}).map(name => {
    let octets = 0, ms = 0;
    for (let i = 1; i < all.length; i++) {
      const a = all[i - 1].layers[name], b = all[i].layers[name];
      if (!a || !b || a.frames === b.frames && a.octets === b.octets) continue;
      octets += b.octets - a.octets;
      ms += all[i].at - all[i - 1].at;
    }
    return {name, height: Math.max(0, ...all.map(x => x.layers[name]?.height ?? 0)), kbps: ms ? octets * 8 / ms : 0};
  });
}

// The height of the largest layer that a link of this rate has room for; 0: none.
export function fitting(of, rate) {
  const sound = of.find(l => l.name === 'audio')?.kbps ?? 0;
  return Math.max(0, ...of.filter(l => l.height && (!rate || l.kbps + sound < FIT * rate)).map(l => l.height));
}

// Times without a frame, those at both ends included.
function gaps(frames, from, to) {
  const times = frames.map(f => f[0]), all = [];
  let last = from;
  for (const t of times) {
    if (t <= from) { last = t; continue; }
    if (t > to) { all.push([last, Math.min(t, to)]); last = to; break; }
    all.push([last, t]);
    last = t;
  }
  if (last < to) all.push([last, to]);
  return all.map(([a, b]) => ({at: a, ms: b - a}));
}

// A freeze as browsers count it: 150 ms longer than usual, or three times as long.
export function figures(v, from, to) {
  const frames = v.frames.filter(f => f[0] >= from && f[0] <= to);
  const waits = gaps(v.frames, from, to), usual = Math.min(SLOWEST, quantile(waits.map(g => g.ms), 0.5));
  const frozen = waits.filter(g => g.ms > Math.max(3 * usual, usual + 150));
  const samples = within(v.samples, from, to), link = within(v.link, from, to);
  const full = 100 * grown(link, x => x.down.full) / Math.max(1, grown(link, x => x.down.in));
  // Of the time, as a frame is seen until the next one: how long one of this height was. A larger picture counts
  // with fewer frames only: then it is a lower temporal layer of that, which fits, too.
  const isFewer = t => full < SPILLED && v.frames.filter(f => Math.abs(f[0] - t) <= 500).length < FEWER * FPS;
  const fitted = h => frames.reduce((n, f, i) => n + (f[2] === h || f[2] > h && isFewer(f[0]) ?
    (frames[i + 1]?.[0] ?? to) - f[0] : 0), 0) / (to - from);
  const estimates = within(v.estimates, from, to).map(e => e.bps / 1000);
  const first = samples[0], last = samples.at(-1);
  return {
    kbps: kbps(link, x => x.down.outOctets), offered: kbps(link, x => x.down.inOctets),
    fps: frames.length * 1000 / (to - from), fitted,
    height: frames.reduce((n, f) => n + f[2], 0) / Math.max(1, frames.length),
    longest: Math.max(0, ...waits.map(g => g.ms)), freezes: frozen.length,
    frozenMs: frozen.reduce((n, g) => n + g.at + g.ms - Math.max(g.at, from), 0),
    counted: first ? last.video.freezeCount - first.video.freezeCount : 0,
    switches: frames.filter((f, i) => i && f[2] !== frames[i - 1][2]).length,
    concealed: first ? 100 * grown(samples, s => s.audio.concealedSamples) /
      Math.max(1, grown(samples, s => s.audio.totalSamplesReceived)) : 100,
    waited: quantile(link.map(x => x.down.waitedMs), 0.95),
    full,
    low: quantile(estimates, 0.1), high: quantile(estimates, 0.9), estimate: quantile(estimates, 0.5),
    firstFrame: v.frames.length ? v.frames[0][0] - v.begun : NaN,
  };
}

const described = (f, of) => `${f.height.toFixed(0)}p ${f.fps.toFixed(1)} fps, ` +
  of.filter(l => l.height).sort((a, b) => a.height - b.height).map(l => `${l.height}p ${l.kbps.toFixed(0)}`).join(' ');

// A path that stays as it is.
export function steady(v, of, from, to) {
  const f = figures(v, from, to), b = v.bars ?? {}, rate = v.down.rate ?? null, fits = fitting(of, rate);
  const name = what => `${v.name}: ${what}`;
  return [
    row({name: name('received'), value: f.kbps, unit: 'kbit/s', limit: rate, note: described(f, of)}),
    ...(Number.isFinite(f.low) || b.estimate ? [
      row({name: name('estimate, 10 % of time below'), value: f.low, unit: 'kbit/s', limit: rate, bar: b.estimate ? 0.85 : null, least: true}),
      row({name: name('estimate, 10 % of time above'), value: f.high, unit: 'kbit/s', limit: rate, bar: b.estimate ? 1.05 : null}),
    ] : []),
    row({name: name('time at the fitting layer'), value: 100 * f.fitted(fits), unit: '%', bar: b.layer ? 95 : null, least: true,
      note: `${fits}p fits; ${f.switches} switches`}),
    row({name: name('frames'), value: f.fps, unit: '1/s', bar: b.fps ?? null, least: true}),
    row({name: name('longest freeze'), value: f.longest, unit: 'ms', bar: b.freeze ?? null,
      note: `${f.freezes} freezes, ${f.counted} as the browser counts`}),
    row({name: name('frozen'), value: 100 * f.frozenMs / (to - from), unit: '%'}),
    row({name: name('sound concealed'), value: f.concealed, unit: '%'}),
    row({name: name('wait for the link, 95 %'), value: f.waited, unit: 'ms', note: `${f.full.toFixed(2)} % dropped there`}),
    row({name: name('first frame'), value: f.firstFrame, unit: 'ms'}),
  ];
}

// Seconds from `from` until frames of such heights come, and for a second no others; NaN: never.
function reached(v, is, from, to) {
  const frames = v.frames.filter(f => f[0] >= from && f[0] <= to);
  let since = NaN;
  for (const f of frames) {
    if (!is(f[2])) since = NaN;
    else if (Number.isNaN(since)) since = f[0];
    if (f[0] - since >= 1000) return (since - from) / 1000;
  }
  return NaN;
}

export function drop(scene, played) {
  const [v] = played.viewers, {begun} = played, b = scene.bars;
  const at = begun + scene.drop * 1000, back = begun + scene.back * 1000, end = begun + scene.seconds * 1000;
  const of = layers(played.sent);
  const low = figures(v, at, back), high = figures(v, back, end);
  const [[, {down: {rate: less}}], [, {down: {rate: more}}]] = v.steps;
  const fits = fitting(of, less), top = fitting(of, more);
  return [
    row({name: 'drop: longest freeze', value: low.longest, unit: 'ms', bar: b.freeze, note: `${low.freezes} freezes, ${low.frozenMs.toFixed(0)} ms`}),
    row({name: 'drop: until the fitting layer', value: reached(v, h => h === fits, at, back), unit: 's', bar: b.fitting, note: `${fits}p`}),
    row({name: 'drop: received', value: low.kbps, unit: 'kbit/s', limit: less, note: `estimate ${low.low.toFixed(0)} to ${low.high.toFixed(0)}`}),
    row({name: 'drop: sound concealed', value: low.concealed, unit: '%'}),
    row({name: 'recovery: until the top layer', value: reached(v, h => h >= top, back, end), unit: 's', bar: b.top, note: `${top}p`}),
    row({name: 'recovery: longest freeze', value: high.longest, unit: 'ms', note: `${high.freezes} freezes`}),
  ];
}

export function bad(scene, played) {
  const joined = played.begun + scene.joined * 1000, end = played.begun + scene.seconds * 1000, b = scene.bars;
  const change = (x, y) => 100 * Math.abs(y - x) / x;
  return played.viewers.filter(v => !v.from).flatMap(v => {
    const before = figures(v, joined - 14000, joined), after = figures(v, joined, end);
    const name = what => `beside a bad one, ${v.name}: ${what}`;
    return [
      row({name: name('freezes'), value: after.counted, unit: '', bar: 0, note: `longest ${after.longest.toFixed(0)} ms`}),
      row({name: name('bitrate changed by'), value: change(before.kbps, after.kbps), unit: '%', bar: b.changed,
        note: `${before.kbps.toFixed(0)} to ${after.kbps.toFixed(0)} kbit/s`}),
      row({name: name('frame rate changed by'), value: change(before.fps, after.fps), unit: '%', bar: b.changed,
        note: `${before.fps.toFixed(1)} to ${after.fps.toFixed(1)}`}),
    ];
  });
}

export function resumed(scene, times) {
  const name = what => `${scene.name} ms of round trip: first packet of the layer, ${what}`;
  return [
    row({name: name('longest'), value: Math.max(...times), unit: 'ms', bar: scene.bars.resume, note: `of ${times.length}`}),
    row({name: name('half'), value: quantile(times, 0.5), unit: 'ms'}),
  ];
}

export function joined(scene, times) {
  return [
    row({name: 'join: first frame, 95 %', value: quantile(times, 0.95), unit: 'ms', bar: scene.bars.firstFrame, note: `of ${times.length}`}),
    row({name: 'join: first frame, half', value: quantile(times, 0.5), unit: 'ms'}),
  ];
}
