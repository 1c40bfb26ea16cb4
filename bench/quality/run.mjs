// usage: node run.mjs [--check] [--only=SCENE,...] [--server=sluice|janus]
//
// How good a call is on bad networks: real Chromium, through the server, over the paths of
// scenes.mjs; then the same through Janus, where there is one, with no bar but to compare.
// Rows go to build/bench/quality.json, plots to build/bench/quality/.

import fs from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import * as judge from './judge.mjs';
import {draw} from './draw.mjs';
import {HEAD, line, write} from './rows.mjs';
import {SCENES} from './scenes.mjs';
import {resumes} from './resume.mjs';
import {hasJanus, startJanus} from './janus.mjs';
import {startSluice} from './sluice.mjs';
import {joins, openStage, play} from './stage.mjs';

const BENCH = fileURLToPath(new URL('../../build/bench', import.meta.url)), PLOTS = path.join(BENCH, 'quality');
const options = process.argv.slice(2);
const option = name => options.find(o => o.startsWith(`--${name}=`))?.slice(name.length + 3).split(',');
const only = option('only'), servers = option('server') ?? ['sluice', ...(hasJanus() ? ['janus'] : [])];
for (const name of only ?? [])
  if (!SCENES.some(s => s.name === name)) throw new Error(`no scene '${name}'; there are: ${SCENES.map(s => s.name).join(', ')}`);
fs.mkdirSync(PLOTS, {recursive: true});

async function perform(stage, scene) {
  if (scene.kind === 'joins') return judge.joined(scene, await joins(stage, scene));
  if (scene.kind === 'resume') return judge.resumed(scene, await resumes(stage.server, scene));
  const played = await play(stage, scene), {name} = stage.server;
  fs.writeFileSync(path.join(PLOTS, `${name}-${scene.name}.json`), JSON.stringify(played));
  draw(PLOTS, name, scene, played);
  if (scene.kind === 'drop') return judge.drop(scene, played);
  if (scene.kind === 'bad') return judge.bad(scene, played);
  const from = played.begun + scene.settle * 1000, to = played.begun + scene.seconds * 1000;
  const of = judge.layers(played.sent);
  return played.viewers.flatMap(v => judge.steady(v, of, from, to));
}

// What we are compared with may fail; then there is nothing to compare, and it is said.
async function attempt(stage, scene) {
  try {
    return await perform(stage, scene);
  } catch (e) {
    if (stage.server.name === 'sluice') throw e;
    console.log(`${stage.server.name}, ${scene.name}: no figures: ${e.message}`);
    return [];
  }
}

const rows = [];
for (const name of servers) {
  const server = await (name === 'janus' ? startJanus() : startSluice());
  const stage = await openStage({server, folder: BENCH});
  console.log(`${name.padEnd(HEAD.search(/\S/))}${HEAD.trimStart()}`);
  try {
    for (const scene of SCENES.filter(s => !only || only.includes(s.name))) {
      if (scene.kind === 'resume' && !server.room) continue;
      const found = await attempt(stage, scene);
      for (const r of found) {
        Object.assign(r, {scene: scene.name, server: name});
        if (name !== 'sluice') Object.assign(r, {name: `${name}, ${r.name}`, bar: null, pass: true});
        console.log(line(r));
      }
      rows.push(...found);
    }
  } finally {
    await stage.close();
    await server.stop();
  }
}
write(path.join(BENCH, 'quality.json'), rows, r => rows.some(x => x.scene === r.scene && x.server === r.server));
const missed = rows.filter(r => !r.pass).length;
console.log(`${rows.filter(r => r.bar !== null).length - missed} bars met, ${missed} missed`);
process.exit(options.includes('--check') && missed ? 1 : 0);
