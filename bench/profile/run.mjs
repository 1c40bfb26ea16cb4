// usage: node run.mjs SERVER FANOUT_LIMIT FOLDER
//
// Where each nanosecond of a forwarded packet goes. The server has a worker on the first core, `sluice
// bench` the second; while it sends, perf takes samples of the worker, by the clock, with the kernel's
// stack. A part has the share of the worker's CPU time that its samples are of all. The limit is that of
// `bench fanout`: fanout_limit's sendmmsg with a reader, and RECEIVE for each datagram received.

import {execFileSync, spawn} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {startServer} from '../../tests/browser/server.mjs';
import {sleep, until} from '../../tests/browser/until.mjs';
import {picture} from './picture.mjs';
import {partOf, PARTS} from './where.mjs';

const [program, limits, folder] = process.argv.slice(2);
const TOP = fileURLToPath(new URL('../../', import.meta.url));
const SUBSCRIBERS = 100, SECONDS = 8, RECEIVE = 700;
const SCENES = [
  {name: '1100 octets, by 8', words: ['--rooms=18', '--burst=8', '--rate=30'], limit: 'sendmmsg_burst8_gcm_1100'},
  {name: '1100 octets, alone', words: ['--rooms=14', '--burst=1', '--rate=120'], limit: 'sendmmsg_burst1_gcm_1100'},
  {name: 'sound, 100 octets', words: ['--rooms=32', '--audio'], limit: 'sendmmsg_burst1_gcm_100'},
];

const run = (command, ...words) => execFileSync(command, words, {encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'ignore']});

function threadOf(pid, name) {
  return fs.readdirSync(`/proc/${pid}/task`).find(t => fs.readFileSync(`/proc/${pid}/task/${t}/comm`, 'utf8').trim() === name);
}

// Each sample as the names on its stack, with the address that it was taken at.
function samples(file) {
  return run('perf', 'script', '-i', file, '-F', 'ip,sym,dso').split('\n\n').map(text => {
    const frames = text.split('\n').map(l => /^\s*([0-9a-f]+) (.*) \((.*)\)$/.exec(l)).filter(Boolean);
    return frames.length && {at: frames[0][1], dso: frames[0][3],
      stack: frames.map(([, , sym, dso]) => (/^\[.*(kernel|bpf|guest)/.test(dso) || /\.ko/.test(dso) ? '[k] ' : '') + sym)};
  }).filter(Boolean);
}

// The file of ours for each address, as the program has it: the innermost that is no header.
function filesOf(addresses) {
  const list = [...new Set(addresses)], input = list.map(a => `0x${a}`).join('\n');
  const said = execFileSync('addr2line', ['-e', program, '-a', '-i'], {input, encoding: 'utf8', maxBuffer: 1 << 28});
  const files = said.split(/^0x[0-9a-f]+\n/m).slice(1).map(lines =>
    lines.split('\n').map(l => /(src\/\w+\/\w+\.c):/.exec(l)?.[1]).find(Boolean) ?? '?');
  return new Map(list.map((a, i) => [a, files[i]]));
}

async function numbers(server) {
  const n = await Promise.all(['sluice_worker_cpu_seconds_total', 'sluice_forwarded_packets_total', 'sluice_received_datagrams_total']
    .map(name => server.count(name)));
  return {cpu: n[0], forwarded: n[1], received: n[2]};
}

async function play(scene, limit) {
  const server = await startServer({name: 'profile', workers: 1, program, under: ['taskset', '-c', '0'],
    options: ['--auth.required=false', '--limits.sessions_per_address=0', '--limits.handshakes=100000', '--rtc.pin=0', '--log.level=error']});
  const load = spawn('taskset', ['-c', '1', program, 'bench', `--url=${server.origin}`, `--subscribers=${SUBSCRIBERS}`,
    `--duration=${SECONDS + 6}`, '--settle=1', '--json', ...scene.words], {stdio: ['ignore', 'pipe', 'inherit']});
  process.on('exit', () => load.kill('SIGKILL'));
  let result = '';
  const ended = new Promise(resolve => load.stdout.on('data', d => result += d).on('end', () => resolve(JSON.parse(result || '{}'))));
  await until('media', async () => ({ok: await server.count('sluice_forwarded_packets_total') > 10000}), 60000);
  await sleep(2000);
  const file = path.join(folder, 'perf.data'), tid = threadOf(server.pid(), 'worker 0');
  const before = await numbers(server);
  run('perf', 'record', '-q', '-e', 'cpu-clock', '-F', '4999', '-g', '-t', tid, '-o', file, '--', 'sleep', String(SECONDS));
  const after = await numbers(server);
  const all = samples(file);
  const own = filesOf(all.filter(s => path.basename(s.dso) === path.basename(program)).map(s => s.at));
  const {lost} = await ended;
  await server.stop();
  const packets = after.forwarded - before.forwarded, total = (after.cpu - before.cpu) * 1e9 / packets;
  const parts = PARTS.map(() => 0), functions = new Map();
  for (const s of all) {
    const part = partOf(s.stack, own.get(s.at) ?? path.basename(s.dso)), name = `${PARTS[part].name}: ${s.stack[0]}`;
    parts[part] += total / all.length;
    functions.set(name, (functions.get(name) ?? 0) + total / all.length);
  }
  return {name: scene.name, total, parts, lost, samples: all.length,
    limit: limit + RECEIVE * (after.received - before.received) / packets,
    functions: [...functions].sort((a, b) => b[1] - a[1]).slice(0, 60)};
}

fs.mkdirSync(folder, {recursive: true});
try {
  run('perf', 'record', '-q', '-e', 'cpu-clock', '-o', path.join(folder, 'try.data'), '--', 'true');
} catch {
  console.log('skip profile: perf may not look at this machine (kernel.perf_event_paranoid)');
  process.exit(0);
}
const best = new Map(run(limits, '-q', '-B', '-n', String(SUBSCRIBERS), '-l', '1100', '-l', '100', '-r', '12', '-p', '3', '-c', '0')
  .split('\n').map(l => l.split(/\s+/)).map(([key, , ns]) => [key, Number(ns)]));
const rows = [];
for (const scene of SCENES) {
  const r = await play(scene, best.get(scene.limit));
  rows.push(r);
  console.log(`${r.name}: ${Math.round(r.total)} ns, limit ${Math.round(r.limit)}, ratio ${(r.total / r.limit).toFixed(2)}; ` +
    `${r.samples} samples, ${r.lost} packets lost`);
  r.parts.forEach((ns, i) => console.log(`  ${PARTS[i].name.padEnd(26)}${Math.round(ns).toString().padStart(6)} ns ` +
    `${(100 * ns / r.total).toFixed(1).padStart(6)} %`));
}
fs.writeFileSync(path.join(folder, 'profile.json'), JSON.stringify(rows, null, 1));
fs.writeFileSync(path.join(folder, 'profile.svg'), picture(rows));
fs.writeFileSync(`${folder}.json`, JSON.stringify(rows.map(r => ({name: r.name, unit: 'ns', value: r.total, limit: r.limit,
  ratio: r.total / r.limit, bar: null, pass: true, note: `${r.lost} lost`})), null, 1));
console.log(`the picture is ${path.relative(TOP, path.join(folder, 'profile.svg'))}; the functions are in profile.json beside it`);
process.exit(0);
