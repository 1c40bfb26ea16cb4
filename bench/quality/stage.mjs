// The server, a publisher and viewers, and one scene played with them. What comes of it is
// series over time, by the wall clock in ms; judge.mjs makes figures of them.

import {launch, sleep} from '../../tests/browser/rig.mjs';
import {startImpair} from '../../tests/browser/impair.mjs';
import {publisher, viewer} from '../../tests/browser/participants.mjs';
import {until} from '../../tests/browser/until.mjs';
import {source} from './source.mjs';

export const PICTURE = {width: 1280, height: 720, fps: 30};
const EVERY = 250;

// The camera must not be what limits: the encoder keeps its size and pace, whatever it costs.
const KEEP = page => page.evaluate(async () => {
  const sender = window.rig.pcs.pub.getSenders().find(s => s.track?.kind === 'video');
  const p = sender.getParameters();
  p.degradationPreference = 'maintain-framerate-and-resolution';
  await sender.setParameters(p);
});

export async function openStage({server, folder, only = () => true}) {
  const file = source(folder, PICTURE);
  const from = await launch('chromium', {flags: [`--use-file-for-fake-video-capture=${file}`]});
  const to = await launch('chromium');
  const publish = async options => {
    const p = await publisher(server, from, {camera: true, simulcast: true, codec: 'VP8', frequency: 440, ...PICTURE, ...options});
    await KEEP(p.page);
    await until('three layers at their full rate', async () => {
      const video = (await p.stats()).outbound.filter(x => x.kind === 'video');
      return {value: video, ok: video.length === 3 && video.every(x => x.framesEncoded > 60) &&
        video.some(x => x.frameWidth === PICTURE.width && x.targetBitrate > 1.5e6)};
    }, 30000);
    return p;
  };
  let main = null, room = 0;
  return {
    only,
    // The publisher of most scenes is one and the same, and stays.
    main: async () => main ??= await publish({room: 'quality'}),
    other: async via => publish({room: `quality-${++room}`, via}),
    page: () => to.page(),
    server,
    close: async () => {
      await main?.stop();
      await from.close();
      await to.close();
    },
  };
}

// Asks `ask` until told to end, and keeps what it says and when.
function series(ask, every = EVERY) {
  const all = [];
  let running = true;
  const loop = (async () => {
    while (running) {
      const begun = Date.now(), value = await ask();
      if (value) all.push({...value, at: Date.now()});
      await sleep(Math.max(10, every - (Date.now() - begun)));
    }
  })();
  return {all, end: async () => {
    running = false;
    await loop;
    return all;
  }};
}

// What the publisher sends, octets on the wire by rid; the sound has none.
export async function sent(p) {
  const {outbound} = await p.stats();
  return Object.fromEntries(outbound.map(x => [x.rid ?? x.kind, {
    octets: x.bytesSent + x.headerBytesSent + x.packetsSent * 44, // UDP, IP, and SRTP's tag
    height: x.frameHeight, frames: x.framesEncoded, keys: x.pliCount}]));
}

async function watch(stage, p, v, begun, alone) {
  await sleep(begun + (v.from ?? 0) * 1000 - Date.now());
  const page = await stage.page();
  const relay = await startImpair({port: stage.server.rtc, up: v.up, down: v.down, seed: v.seed ?? 7});
  const link = series(relay.stats);
  const came = Date.now();
  const it = await viewer(stage.server, page, p, {page, via: relay, recorded: true});
  const estimates = series(() => alone && stage.server.estimate());
  const steps = (async () => {
    for (const [at, conditions] of v.steps ?? []) {
      await sleep(begun + at * 1000 - Date.now());
      relay.set(conditions);
    }
  })();
  return {...v, came, end: async () => {
    await steps;
    const record = await it.recorded();
    await Promise.all([link.end(), estimates.end()]);
    await it.stop();
    await page.close();
    relay.stop();
    return {...v, came, ...record, link: link.all, estimates: estimates.all};
  }};
}

// One scene: {begun, sent: series, viewers: [series of each]}.
export async function play(stage, scene) {
  const relay = scene.up && await startImpair({port: stage.server.rtc, up: scene.up, down: scene.down});
  const p = relay ? await stage.other(relay) : await stage.main();
  const begun = Date.now(), out = series(async () => ({layers: await sent(p)}), 500);
  const all = await Promise.all(scene.viewers.map(v => watch(stage, p, v, begun, scene.viewers.length === 1)));
  await sleep(begun + scene.seconds * 1000 - Date.now());
  await out.end();
  const viewers = [];
  for (const v of all) viewers.push(await v.end());
  if (relay) {
    await p.stop();
    relay.stop();
  }
  return {begun, seconds: scene.seconds, sent: out.all, viewers};
}

// Viewers that come one after the other: ms from the wish to the first frame, of each.
export async function joins(stage, {path, joins: n}) {
  const p = await stage.main(), times = [];
  for (let i = 0; i < n; i++) {
    const page = await stage.page();
    const relay = await startImpair({port: stage.server.rtc, ...path});
    const v = await viewer(stage.server, page, p, {page, via: relay, recorded: true});
    const r = await until('a first frame', async () => {
      const value = await v.recorded();
      return {value, ok: value.frames.length > 0};
    });
    times.push(r.frames[0][0] - r.begun);
    await v.stop();
    await page.close();
    relay.stop();
    await sleep(150 + 37 * i % 300); // no rhythm of ours
  }
  return times;
}
