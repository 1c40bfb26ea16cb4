// A scene as pictures: one for each viewer.

import path from 'node:path';
import {plot} from './plot.mjs';

// [ms, total] to [seconds, growth per second].
const rates = (all, begun, value) => all.slice(1).map((x, i) =>
  [(x.at - begun) / 1000, (value(x) - value(all[i])) * 1000 / (x.at - all[i].at)]);

function capacity(v, seconds) {
  const steps = [[v.from ?? 0, v.down.rate], ...(v.steps ?? []).map(([at, c]) => [at, c.down.rate])].filter(([, r]) => r);
  return steps.length ? [...steps, [seconds, steps.at(-1)[1]]] : [];
}

export function draw(folder, server, scene, {begun, seconds, viewers, sent}) {
  for (const v of viewers) {
    const at = x => (x - begun) / 1000;
    const perSecond = new Map();
    const received = rates(v.link, begun, x => x.down.outOctets * 8 / 1000), link = capacity(v, seconds);
    const top = 1.1 * Math.max(...received.map(([, y]) => y), Math.min(4000, ...link.map(([, y]) => y)));
    for (const [t] of v.frames) perSecond.set(Math.floor(at(t)), (perSecond.get(Math.floor(at(t))) ?? 0) + 1);
    plot(path.join(folder, `${server}-${scene.name}-${v.name}.svg`.replace(/[^\w.]+/g, '-')), {
      title: v.name, seconds, marks: (v.steps ?? []).map(([s, c]) => ({at: s, text: `${c.down.rate} kbit/s`})),
      panels: [
        {title: 'kbit/s', top, lines: [
          {name: 'link', colour: '#bbb', width: 3, steps: true, points: link},
          {name: 'estimate', colour: '#d62728', steps: true, points: v.estimates.map(e => [at(e.at), e.bps / 1000])},
          {name: 'received', colour: '#1f77b4', points: received},
        ]},
        {title: 'frames', lines: [
          {name: 'height / 20', colour: '#2ca02c', steps: true, points: v.frames.map(([t, , h]) => [at(t), h / 20])},
          {name: 'frames in each second', colour: '#1f77b4', steps: true, points: [...perSecond]},
        ]},
        {title: 'ms', top: 1500, lines: [
          {name: 'between frames', colour: '#1f77b4', points: v.frames.slice(1).map(([t], i) => [at(t), t - v.frames[i][0]])},
          {name: 'wait for the link', colour: '#d62728', points: v.link.map(x => [at(x.at), x.down.waitedMs])},
        ]},
        {title: 'packets, and key frames of the source, in each second', lines: [
          {name: 'dropped by the queue', colour: '#d62728', points: rates(v.link, begun, x => x.down.full)},
          {name: 'NACKs', colour: '#9467bd', points: rates(v.samples, begun, x => x.video.nackCount)},
          {name: 'PLIs', colour: '#2ca02c', points: rates(v.samples, begun, x => x.video.pliCount)},
          {name: 'requests to the publisher', colour: '#888', points: rates(sent, begun, x => x.layers.f?.keys ?? 0)},
        ]},
      ],
    });
  }
}
