// What nobody watches is not sent: the largest encodings stop at the publisher, and are there again
// for who wants them; and nobody sends more than the token says.

import assert from 'node:assert/strict';
import {publisher, viewer} from './participants.mjs';
import {sleep, until} from './rig.mjs';

const HEIGHTS = {q: 180, h: 360, f: 720};
const RESUME = 1500; // ms, for the busiest machine; loss.md has what it takes
const pictures = async p => (await p.stats()).outbound.filter(x => x.kind === 'video');

// The rids of encodings that gave frames within a second.
async function flowing(p) {
  const before = await pictures(p);
  await sleep(1000);
  return (await pictures(p)).filter(x => x.framesEncoded > (before.find(b => b.ssrc === x.ssrc)?.framesEncoded ?? 0) + 3)
    .map(x => x.rid).sort().join('');
}

const flows = (p, rids, ms) => until(`${rids} flow, and nothing else`, async () => {
  const value = await flowing(p);
  return {value, ok: value === [...rids].sort().join('')};
}, ms);

// Of sizes inside one encoding the largest stops, and what is left goes on as it is.
const SIZED = 4000; // ms, for the busiest machine: the encoder begins a size, and then a key frame
async function sizes({s, browser, test, codec, scalabilityMode}) {
  const p = await publisher(s, browser, {room: 'watched', camera: true, codec, width: 1280, height: 720,
    encodings: [{scalabilityMode, maxBitrate: 1_500_000}]});
  const v = await viewer(s, browser, p);
  const sends = height => until(`${height} lines are sent`, async () => {
    const value = Math.max(...(await pictures(p)).map(x => x.frameHeight ?? 0));
    return {value, ok: value === height};
  }, 40000);
  await test(`chromium: ${codec} ${scalabilityMode}: the largest size stops while nobody watches it`, async () => {
    await sends(720);
    const took = [];
    for (const spatial of [1, 2, 0, 2]) {
      took.push(Math.round(await v.wishFor({maxSpatialLayerId: spatial}, 720 >> (2 - spatial))));
      assert.ok(took.at(-1) <= SIZED, `${720 >> (2 - spatial)} lines after ${took.at(-1)} ms`);
      await sends(spatial < 2 ? 360 : 720);
    }
    return `after ${took.join(', ')} ms`;
  });
  await test(`chromium: ${codec} ${scalabilityMode}: whoever comes meanwhile is shown it`, async () => {
    await v.stop();
    await sends(360);
    const w = await viewer(s, browser, p, {recorded: true});
    const begun = Date.now();
    await until('720 lines', async () => {
      const value = (await w.recorded()).frames.at(-1)?.[2];
      return {value, ok: value === 720};
    }, 20000);
    const took = Date.now() - begun;
    await w.stop();
    return `${took} ms after it was connected`;
  });
  await p.stop();
}

export default async function ({server, browsers, test}) {
  const s = await server();
  for (const [codec, scalabilityMode] of [['VP9', 'L3T3_KEY'], ['VP9', 'L3T3'], ['AV1', 'L3T3']])
    await sizes({s, browser: await browsers('chromium'), test, codec, scalabilityMode});
  for (const kind of ['chromium', 'firefox']) {
    const p = await publisher(s, await browsers(kind), {room: 'watched', color: 'red', simulcast: true, width: 1280, height: 720});
    const v = await viewer(s, await browsers('chromium'), p);
    await test(`${kind}: each encoding is there for who names it, and those above it stop`, async () => {
      await flows(p, 'qhf', 40000);
      const took = {};
      for (const [rid, rest] of [['q', 'q'], ['h', 'qh'], ['f', 'qhf'], ['q', 'q']]) {
        took[rid] = Math.round(await v.wishFor({encodingId: rid}, HEIGHTS[rid]));
        assert.ok(took[rid] <= RESUME, `${rid} after ${took[rid]} ms`);
        await flows(p, rest, 20000);
      }
      return JSON.stringify(took);
    });
    await test(`${kind}: whoever comes while they sleep is shown the largest`, async () => {
      await v.stop();
      await flows(p, 'q', 20000);
      const w = await viewer(s, await browsers('chromium'), p);
      const begun = Date.now();
      await until('720 lines', async () => {
        const value = (await w.sees()).height;
        return {value, ok: value === 720};
      });
      const took = Date.now() - begun;
      await w.stop();
      return `${took} ms after it was connected`;
    });
    await p.stop();
    for (const simulcast of [false, true])
      await test(`${kind}: a token of 500 kbit/s is not exceeded by ${simulcast ? 'three encodings' : 'one'}`, async () => {
        const token = await s.token({room: 'watched', publish: true, maxBps: 500_000});
        const q = await publisher(s, await browsers(kind), {room: 'watched', color: 'blue', simulcast, width: 1280, height: 720, token});
        const w = await viewer(s, await browsers('chromium'), q);
        await sleep(4000);
        const sum = async () => {
          const {at, outbound} = await q.stats();
          return {at, octets: outbound.reduce((n, x) => n + x.bytesSent + (x.headerBytesSent ?? 0), 0)};
        };
        const from = await sum();
        await sleep(6000);
        const to = await sum(), kbps = (to.octets - from.octets) * 8 / (to.at - from.at);
        await w.stop();
        await q.stop();
        assert.ok(kbps <= 525, `${kbps.toFixed(0)} kbit/s`);
        return `${kbps.toFixed(0)} kbit/s`;
      });
  }
}
