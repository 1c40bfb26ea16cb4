// Two pictures on a path that carries one of them large: which one, is for the viewer to say.

import {byPort, startImpair} from '../../browser/impair.mjs';
import {sleep, until} from '../../browser/rig.mjs';
import {pageFor, person} from './people.mjs';

const WIDTH = 640, HEIGHT = 360, FPS = 30;
const HIGH = 200, LOW = 50;
const SPARE = 1.25; // of what one large and one small picture are; two large ones are more
const MEASURED = 5000; // ms
const STAYS = 20; // looks

// What p has sent of the layer of this height, in octets.
const sent = async (p, height) => (await p.does('numbers')).send.encoded.filter(e => e.height === height).reduce((n, e) => n + e.octets, 0);

export default async function ({server, browsers, test}) {
  const s = await server(), sends = await pageFor(await browsers('chromium')), room = 'narrow', pair = [];
  for (const [name, color] of [['Ada', 'green'], ['Bob', 'blue']])
    pair.push(await person(s, sends, {name, room, color, width: WIDTH, height: HEIGHT, fps: FPS, publish: {how: 'simulcast'}}));
  const [ada, bob] = pair;
  const page = await pageFor(await browsers('chromium')), relay = await startImpair({port: s.rtc});
  await page.evaluate(byPort, relay.port);
  const eve = await person(s, page, {name: 'Eve', room});
  const wants = (p, height, priority) => eve.does('want', p.name, 'camera', {width: Math.round(height * WIDTH / HEIGHT), height, priority});
  const are = (what, height) => {
    let n = 0;
    return until(what, async () => {
      const value = await Promise.all(pair.map(async p => (await eve.does('remote', p.name, 'camera'))?.height));
      n = pair.every((p, i) => value[i] === height(p)) ? n + 1 : 0;
      return {value, ok: n >= STAYS};
    }, 30000);
  };
  // What one of them large and the other small takes, in kbit/s.
  const takes = async large => {
    const height = p => p === large ? HEIGHT : HEIGHT / 2;
    const both = async () => (await Promise.all(pair.map(p => sent(p, height(p))))).reduce((n, x) => n + x);
    await Promise.all(pair.map(p => wants(p, height(p), LOW)));
    await are(`${large.name} large`, height);
    const before = await both();
    await sleep(MEASURED);
    return (await both() - before) * 8 / MEASURED;
  };
  await test('of two pictures on a narrow path the one of higher priority is large; when that changes, the other is', async () => {
    const rate = Math.round(SPARE * Math.max(await takes(ada), await takes(bob))), took = [];
    relay.set({down: {rate}});
    for (const first of [ada, bob, ada]) {
      const begun = Date.now();
      await Promise.all(pair.map(p => wants(p, HEIGHT, p === first ? HIGH : LOW)));
      await are(`${first.name} large on ${rate} kbit/s`, p => p === first ? HEIGHT : HEIGHT / 2);
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
