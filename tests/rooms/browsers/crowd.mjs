// Six, of both kinds of browser; twelve, small and slow. Each is seen and heard by each.

import {until} from '../../browser/rig.mjs';
import {inPage, pageFor, person} from './people.mjs';

const LOOKS = ['red', 'green', 'blue', 'yellow', 'magenta', 'cyan'];
const TONES = [440, 700, 1000, 1400, 1900, 2500];

export default async function ({server, browsers, test}) {
  const s = await server();
  const c = await pageFor(await browsers('chromium')), f = await pageFor(await browsers('firefox'));
  await test('six: each sees and hears the five others, and nobody else', async () => {
    const all = [];
    for (let i = 0; i < 6; i++) all.push(await person(s, i % 3 === 2 ? f : c, {name: `p${i}`, room: 'six',
      color: LOOKS[i], frequency: TONES[i], fps: 10, width: 160, height: 90}));
    for (const a of all) await Promise.all(all.filter(b => b !== a).map(b => a.sees(b)));
    for (const a of all) {
      const b = all[(all.indexOf(a) + 1) % 6];
      await a.hears(b, all.filter(x => x !== b));
    }
    for (const a of all) await a.leave();
  });
  await f.close();
  await test('twelve at 160x90 and 5 frames a second: each sees the eleven others', async () => {
    const all = [], begun = Date.now();
    for (let i = 0; i < 12; i++) all.push(await person(s, c, {name: `q${i}`, room: 'twelve', color: LOOKS[i % 6],
      fps: 5, width: 160, height: 90}));
    const joined = Date.now() - begun;
    for (const a of all) await Promise.all(all.filter(b => b !== a).map(b => a.sees(b, {timeout: 60000})));
    const seen = Date.now() - begun;
    const media = await inPage(c, 'state', 'q0');
    if (media.peers.length !== 11) throw new Error(`${media.peers.length} peers`);
    await until('all move', async () => {
      const n = (await inPage(c, 'numbers', 'q0')).receive.frames;
      return {value: n, ok: n > 11 * 5};
    });
    for (const a of all) await a.leave();
    return `joined ${joined} ms, seen ${seen} ms`;
  });
  await c.close();
}
