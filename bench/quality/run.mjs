// usage: node run.mjs [--check] [--only=NAME,...]
//
// How good a call is on bad networks: real Chromium, through the server, over the paths of
// scenes.mjs. Rows go to build/bench/quality.json, plots to build/bench/quality/.

import fs from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {startServer} from '../../tests/browser/server.mjs';
import * as judge from './judge.mjs';
import {draw} from './draw.mjs';
import {HEAD, line, write} from './rows.mjs';
import {SCENES} from './scenes.mjs';
import {joins, openStage, play} from './stage.mjs';

const BENCH = fileURLToPath(new URL('../../build/bench', import.meta.url)), PLOTS = path.join(BENCH, 'quality');
const options = process.argv.slice(2);
const only = options.find(o => o.startsWith('--only='))?.slice(7).split(',');
for (const name of only ?? [])
  if (!SCENES.some(s => s.name === name)) throw new Error(`no scene '${name}'; there are: ${SCENES.map(s => s.name).join(', ')}`);

const server = await startServer({name: 'quality'});
// All paths that are measured, together: exact where there is one viewer.
server.estimate = async () => {
  const bps = await server.count('sluice_estimated_bits_per_second').catch(() => 0);
  return bps > 0 && {bps};
};
fs.mkdirSync(PLOTS, {recursive: true});
const stage = await openStage({server, folder: BENCH});
const rows = [];

async function perform(scene) {
  if (scene.kind === 'joins') return judge.joined(scene, await joins(stage, scene));
  const played = await play(stage, scene);
  fs.writeFileSync(path.join(PLOTS, `${scene.name}.json`), JSON.stringify(played));
  draw(PLOTS, scene, played);
  if (scene.kind === 'drop') return judge.drop(scene, played);
  if (scene.kind === 'bad') return judge.bad(scene, played);
  const from = played.begun + scene.settle * 1000, to = played.begun + scene.seconds * 1000;
  const of = judge.layers(played.sent, from, to);
  return played.viewers.flatMap(v => judge.steady(v, of, from, to));
}

console.log(HEAD);
for (const scene of SCENES.filter(s => !only || only.includes(s.name))) {
  const found = await perform(scene);
  for (const r of found) {
    r.scene = scene.name;
    console.log(line(r));
  }
  rows.push(...found);
}
await stage.close();
await server.stop();
const done = new Set(rows.map(r => r.scene));
write(path.join(BENCH, 'quality.json'), rows, r => done.has(r.scene));
const missed = rows.filter(r => !r.pass).length;
console.log(`${rows.filter(r => r.bar !== null).length - missed} bars met, ${missed} missed`);
process.exit(options.includes('--check') && missed ? 1 : 0);
