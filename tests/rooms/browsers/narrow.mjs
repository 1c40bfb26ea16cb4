// Two pictures on a path that carries one of them large: which one, is for the viewer to say.

import {byPort, startImpair} from '../../browser/impair.mjs';
import {sleep, until} from '../../browser/rig.mjs';
import {pageFor, person} from './people.mjs';

const WIDTH = 640, HEIGHT = 360, FPS = 30;
const HIGH = 200, LOW = 50;
const SPARE = 1.25; // of what one large and one small picture are; two large ones are more
const MEASURED = 5000; // ms
const STAYS = 20; // looks

// What all layers of this height are, in octets.
async function sent(people, height) {
  const all = await Promise.all(people.map(async p => (await p.does('numbers')).send.encoded));
  return all.flat().filter(e => e.height === height).reduce((n, e) => n + e.octets, 0);
}

// The path that carries one of each height: kbit/s.
async function carries(people, heights) {
  const before = await Promise.all(heights.map(h => sent(people, h)));
  await sleep(MEASURED);
  const after = await Promise.all(heights.map(h => sent(people, h)));
  const octets = after.reduce((n, x, i) => n + x - before[i], 0) / people.length;
  return Math.round(octets * 8 / MEASURED * SPARE);
}

export default async function ({server, browsers, test}) {
  const s = await server(), sends = await pageFor(await browsers('chromium')), room = 'narrow', pair = [];
  for (const [name, color] of [['Ada', 'green'], ['Bob', 'blue']])
    pair.push(await person(s, sends, {name, room, color, width: WIDTH, height: HEIGHT, fps: FPS, publish: {how: 'simulcast'}}));
  const [ada, bob] = pair;
  const page = await pageFor(await browsers('chromium')), relay = await startImpair({port: s.rtc});
  await page.evaluate(byPort, relay.port);
  const eve = await person(s, page, {name: 'Eve', room});
  const wants = (who, priority) => eve.does('want', who.name, 'camera', {width: WIDTH, height: HEIGHT, priority});
  const are = (what, height) => {
    let n = 0;
    return until(what, async () => {
      const value = await Promise.all(pair.map(async p => (await eve.does('remote', p.name, 'camera'))?.height));
      n = pair.every((p, i) => value[i] === height(p)) ? n + 1 : 0;
      return {value, ok: n >= STAYS};
    }, 30000);
  };
  await Promise.all(pair.map(p => wants(p, LOW)));
  await are('both large', () => HEIGHT);
  await test('of two pictures on a narrow path the one of higher priority is large; when that changes, the other is', async () => {
    const rate = await carries(pair, [HEIGHT, HEIGHT / 2]), took = [];
    relay.set({down: {rate}});
    for (const first of [ada, bob, ada]) {
      const begun = Date.now();
      await Promise.all(pair.map(p => wants(p, p === first ? HIGH : LOW)));
      await are(`${first.name} large`, p => p === first ? HEIGHT : HEIGHT / 2);
      took.push(`${((Date.now() - begun) / 1000).toFixed(1)} s`);
      await Promise.all(pair.map(p => eve.sees(p)));
    }
    return `${rate} kbit/s: after ${took.join(', ')}`;
  });
  await test('on a wide one both are', async () => {
    relay.set({});
    await are('both large', () => HEIGHT);
  });
  for (const p of [eve, ...pair]) await p.leave();
  await Promise.all([page, sends].map(p => p.close()));
  relay.stop();
}
