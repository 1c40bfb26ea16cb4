// The matrix: who watches over which path. One publisher sends three sizes of a camera, and a
// sound, into all of them; the viewers of one scene watch at the same time, each over a path
// of its own.
//
//   seconds      of the whole scene; the figures are taken from `settle` on
//   viewers      up, down: what a path does, see tests/browser/impair.mjs; `down` is towards the viewer
//   steps        [seconds, conditions]: what it does from then on
//   joins        seconds at which a viewer comes; 0 unless told
//   bars         what is demanded of it, see judge.mjs

const path = (down, delay = 25) => ({down: {delay, ...down}, up: {delay}});
// An estimate is only held to the link's rate where more would be used.
const rate = (kbps, bars, name = `${kbps} kbit/s`, more = {}) =>
  ({name, ...path({rate: kbps, ...more}), bars});
const loss = (percent, bars = {}, more = {}) =>
  ({name: more.burst ? `${percent} % lost in bursts` : `${percent} % lost`,
    ...path({loss: percent / 100, ...more}, 30), bars});
const DROP = 12, BACK = 27;

export const SCENES = [
  {name: 'join', kind: 'joins', joins: 20, path: path({}, 10), bars: {firstFrame: 500}},

  {name: 'low', seconds: 28, settle: 13, viewers: [
    rate(150, {estimate: true}),
    rate(500, {estimate: true, layer: true}),
    rate(1500, {estimate: true, layer: true}),
  ]},
  {name: 'high', seconds: 28, settle: 13, viewers: [
    rate(300, {estimate: true, layer: true}),
    rate(800, {estimate: true, layer: true}),
    rate(3000, {layer: true}),
    rate(5000, {layer: true}),
  ]},
  {name: 'delay', seconds: 28, settle: 13, viewers: [
    {name: 'delay 20 ms, 1 Mbit/s', ...path({rate: 1000}, 10), bars: {estimate: true, layer: true}},
    {name: 'delay 300 ms, 1 Mbit/s', ...path({rate: 1000}, 150), bars: {estimate: true, layer: true}},
    {name: 'jitter 30 ms, 3 Mbit/s', ...path({rate: 3000, jitter: 30}), bars: {layer: true}},
    rate(1000, {estimate: true, layer: true}, 'queue of 2 s, 1 Mbit/s', {queue: 2000}),
  ]},
  {name: 'loss', seconds: 22, settle: 6, viewers: [loss(10, {fps: 24, freeze: 500}), loss(20)]},
  {name: 'light loss', seconds: 22, settle: 6, viewers: [loss(2), loss(5), loss(5, {}, {burst: 6})]},

  {name: 'drop', kind: 'drop', seconds: 42, drop: DROP, back: BACK,
    bars: {freeze: 1000, fitting: 2, top: 8},
    viewers: [{name: 'drop', ...path({rate: 3000}),
      steps: [[DROP, path({rate: 500})], [BACK, path({rate: 3000})]]}]},

  {name: 'bad', kind: 'bad', seconds: 34, joined: 18, bars: {changed: 5},
    viewers: [
      {name: 'good', ...path({rate: 5000}, 10)},
      {name: 'good too', ...path({}, 10)},
      {name: 'bad', ...path({rate: 300, loss: 0.2, jitter: 50}), from: 18},
    ]},

  // What the publisher's path and 200 ms allow; the word to it is not delayed, so half a round trip is.
  ...[10, 50].map(delay => ({name: `resume ${2 * delay}`, kind: 'resume', times: 15, path: {up: {delay}, down: {delay}},
    bars: {resume: 200 + delay}})),

  {name: 'uplink', kind: 'uplink', seconds: 22, settle: 8,
    up: {delay: 25, loss: 0.05}, down: {delay: 25},
    viewers: [{name: '5 % lost from the publisher', ...path({}, 10), bars: {}}]},
];
