// usage: node record.mjs [NAME...]
//
// Makes the recordings of src/media/recorded_test.c anew: real Chromium publishes and watches
// through the server, whose one worker is captured, over paths that the relay impairs. What the
// estimator of the viewer was given goes to tests/recordings/NAME.bwe.

import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {until} from '../../tests/browser/until.mjs';
import {startSluice} from './sluice.mjs';
import {openStage, play} from './stage.mjs';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
const down = (conditions, delay = 25) => ({down: {delay, ...conditions}, up: {delay}});
const PATHS = {
  'rate-400': down({rate: 400}),
  'rate-1000': down({rate: 1000}),
  'rate-1000-far': down({rate: 1000}, 120),
  'loss-2-1500': down({rate: 1500, loss: 0.02}),
  'drop': {...down({rate: 2000}), steps: [[15, down({rate: 400})]]},
};
const SECONDS = 25, HEADERS = {authorization: 'Bearer hush', 'content-type': 'application/json'};

async function record(name) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-record-'));
  const server = await startSluice({workers: 1, options: [`--captures.directory=${folder}`, '--rooms.api_secret=hush']});
  const captures = `${server.room.adminOrigin}/v1/captures`;
  const {file} = await (await fetch(captures, {method: 'POST', headers: HEADERS, body: '{"worker":0,"mib":64,"seconds":300}'})).json();
  const stage = await openStage({server, folder});
  const played = await play(stage, {seconds: SECONDS, viewers: [{name, ...PATHS[name]}]});
  await fetch(`${captures}/0`, {method: 'DELETE', headers: HEADERS});
  await until('the end of the capture', async () =>
    ({ok: (await (await fetch(captures, {headers: HEADERS})).json()).captures.length === 0}));
  await stage.close();
  await server.stop();
  const to = path.join(TOP, 'tests/recordings', `${name}.bwe`);
  fs.mkdirSync(path.dirname(to), {recursive: true});
  console.log(execFileSync(path.join(TOP, 'build/release/bench/bwe_record'), [path.join(folder, file), to]).toString().trim(),
    played.viewers[0].estimates.filter((_, i) => i % 12 === 0).map(e => Math.round(e.bps / 1000)).join(' '));
  fs.rmSync(folder, {recursive: true});
}

const named = process.argv.slice(2);
for (const name of named.length ? named : Object.keys(PATHS)) await record(name);
process.exit(0);
