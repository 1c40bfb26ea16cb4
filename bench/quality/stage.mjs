// A server, a publisher and viewers, and one scene played with them. What comes of it is
// series over time, by the wall clock in ms; judge.mjs makes figures of them.
//
// The server is sluice.mjs or janus.mjs, which know how to start it and to get in:
//   publish(page, {room, path})  what rig.make made; path: of a relay before it, if any
//   watch(page, p, path, seed)   what p publishes, over a path; recorded
//   estimate(v), stop()

import {call, launch, sleep} from '../../tests/browser/rig.mjs';
import {until} from '../../tests/browser/until.mjs';
import {source} from './source.mjs';

export const PICTURE = {width: 1280, height: 720, fps: 30};
const EVERY = 250;

export async function openStage({server, folder}) {
  const file = source(folder, PICTURE);
  const from = await launch('chromium', {flags: [`--use-file-for-fake-video-capture=${file}`]});
  const to = await launch('chromium');
  const publish = async options => {
    const page = await from.page();
    await call(page, 'make', {camera: true, frequency: 440, ...PICTURE});
    const p = await server.publish(page, options);
    await call(page, 'keep', 'pub');
    await until('three layers at their full rate', async () => {
      const value = (await call(page, 'stats', 'pub')).outbound.filter(x => x.kind === 'video');
      return {value, ok: value.length === 3 && value.every(x => x.framesEncoded > 60) &&
        value.some(x => x.frameWidth === PICTURE.width && x.targetBitrate > 1.5e6)};
    }, 30000);
    return {...p, page, stop: async () => {
      await p.stop();
      await page.close();
    }};
  };
  let main = null, rooms = 0;
  return {
    // The publisher of most scenes is one and the same, and stays.
    main: async () => main ??= await publish({room: 'quality'}),
    other: path => publish({room: `quality-${++rooms}`, path}),
    watch: async (p, path, seed) => {
      const page = await to.page();
      const v = await server.watch(page, p, path, seed);
      return {...v, recorded: () => call(page, 'recorded', 'sub'), stop: async () => {
        await v.stop();
        await page.close();
      }};
    },
    server,
    close: async () => {
      await main?.stop();
      await from.close();
      await to.close();
    },
  };
}

// Asks `ask` until told to end, and keeps what it says and when. Who fails to answer is asked no more; end()
// tells, so that what went wrong first is what a failed scene shows.
function series(ask, every = EVERY) {
  const all = [];
  let running = true, failed = null;
  const loop = (async () => {
    while (running) {
      const begun = Date.now(), value = await ask();
      if (value) all.push({...value, at: Date.now()});
      await sleep(Math.max(10, every - (Date.now() - begun)));
    }
  })().catch(e => failed = e);
  return {all, end: async () => {
    running = false;
    await loop;
    if (failed) throw failed;
    return all;
  }};
}

const HEADERS = 28 + 28 + 16, PAYLOAD = 1150; // UDP, IP, RTP with extensions, SRTP's tag; of one packet

// What the publisher sends, octets on the wire by rid; the sound has none. A picture's headers are
// reckoned, as those that are counted count its padding, too: that is what its estimate is probed with.
export async function sent(p) {
  const {outbound} = await call(p.page, 'stats', 'pub');
  return Object.fromEntries(outbound.map(x => [x.rid ?? x.kind, {
    octets: x.bytesSent + (x.rid ? (x.framesEncoded + x.bytesSent / PAYLOAD) * HEADERS
      : x.headerBytesSent + x.packetsSent * 44),
    height: x.frameHeight, frames: x.framesEncoded, keys: x.pliCount}]));
}

async function watch(stage, p, v, begun) {
  await sleep(begun + (v.from ?? 0) * 1000 - Date.now());
  const it = await stage.watch(p, {up: v.up, down: v.down}, v.seed);
  const link = series(it.relay.stats), estimates = series(() => stage.server.estimate(it));
  const steps = (async () => {
    for (const [at, conditions] of v.steps ?? []) {
      await sleep(begun + at * 1000 - Date.now());
      it.relay.set(conditions);
    }
  })();
  return async () => {
    await steps;
    const record = await it.recorded();
    await Promise.all([link.end(), estimates.end()]);
    await it.stop();
    return {...v, ...record, link: link.all, estimates: estimates.all};
  };
}

// One scene: {begun, seconds, sent: series, viewers: [series of each]}.
export async function play(stage, scene) {
  const p = scene.up ? await stage.other({up: scene.up, down: scene.down}) : await stage.main();
  const begun = Date.now(), out = series(async () => ({layers: await sent(p)}), 500);
  const ends = await Promise.all(scene.viewers.map(v => watch(stage, p, v, begun)));
  await sleep(begun + scene.seconds * 1000 - Date.now());
  await out.end();
  const viewers = [];
  for (const end of ends) viewers.push(await end());
  if (scene.up) await p.stop();
  return {begun, seconds: scene.seconds, sent: out.all, viewers};
}

// Viewers that come one after the other: ms from the wish to the first frame, of each.
export async function joins(stage, {path, joins: n}) {
  const p = await stage.main(), times = [];
  for (let i = 0; i < n; i++) {
    const v = await stage.watch(p, path);
    const r = await until('a first frame', async () => {
      const value = await v.recorded();
      return {value, ok: value.frames.length > 0};
    });
    times.push(r.frames[0][0] - r.begun);
    await v.stop();
    await sleep(150 + 37 * i % 300); // no rhythm of ours
  }
  return times;
}
