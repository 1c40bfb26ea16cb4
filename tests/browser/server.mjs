// Starts the real server on ports of its own, with a state directory that goes when it ends.
// SLUICE names another program than the one that ./dev builds with sanitizers.

import assert from 'node:assert/strict';
import {execFile, spawn} from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {freePort} from './ports.mjs';
import {until} from './until.mjs';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
const BINARY = process.env.SLUICE ?? path.join(TOP, 'build/debug/src/service/sluice');

// A sanitizer that keeps what was freed would look like a server that leaks.
export const LEAN = 'quarantine_size_mb=4:thread_local_quarantine_size_kb=64:allocator_release_to_os_interval_ms=200';

// A series of the exposition format: {name, labels, value}.
export function parseMetrics(text) {
  return text.split('\n').filter(l => l && !l.startsWith('#')).map(line => {
    const [, name, labels, value] = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    return {name, value: Number(value),
      labels: Object.fromEntries([...(labels ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(m => [m[1], m[2]]))};
  });
}

// With sanitizers a packet costs ten times as much: what the machine can do is not asked here.
//
// name: of the log in build/test. options: further words of the command line. under: a command that
// runs it. env: more of the environment. program: another one.
export async function startServer({name, workers = 2, options = [], under = [], env = {}, program = BINARY}) {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-'));
  const [http, admin, rtc] = await Promise.all([freePort(), freePort(), freePort()]);
  fs.mkdirSync(path.join(TOP, 'build/test'), {recursive: true});
  const logFile = path.join(TOP, `build/test/server-${name}.log`);
  const log = fs.openSync(logFile, 'w');
  const origin = `http://127.0.0.1:${http}`, adminOrigin = `http://127.0.0.1:${admin}`;
  let child, end, ended;
  const start = async () => {
    end = null;
    const [command, ...words] = [...under, program, 'serve', `--store.directory=${state}`, `--http.listen=0.0.0.0:${http}`,
      `--admin.listen=127.0.0.1:${admin}`, `--rtc.port=${rtc}`, `--rtc.workers=${workers}`, '--limits.load=0', ...options];
    child = spawn(command, words, {stdio: ['ignore', log, log], env: {...process.env, ...env}});
    ended = new Promise(r => {
      child.on('exit', (code, signal) => r(end = {code, signal}));
      child.on('error', e => r(end = {error: e.message}));
    });
    await until('a server that is ready', async () => {
      if (end) throw new Error(`the server ended: ${JSON.stringify(end)}; see ${logFile}`);
      const r = await fetch(`${adminOrigin}/health/ready`).catch(() => null);
      return {ok: r?.ok, value: r?.status};
    });
  };
  process.on('exit', () => end ?? child.kill('SIGKILL'));
  await start();

  const token = ({room, publish, watch, maxBps}) => new Promise((resolve, reject) => execFile(BINARY,
    ['token', `--store.directory=${state}`, '--room', room, ...(publish ? ['--publish'] : []), ...(watch ? ['--watch'] : []),
      ...(maxBps ? ['--max-bps', String(maxBps)] : [])],
    (error, out) => error ? reject(error) : resolve(out.trim())));
  const metrics = async () => parseMetrics(await (await fetch(`${adminOrigin}/metrics`)).text());
  // The sum of a metric over all of its series that have these labels.
  const count = async (metric, labels = {}) => {
    const series = (await metrics()).filter(m => m.name === metric &&
      Object.entries(labels).every(([k, v]) => m.labels[k] === v));
    assert.ok(series.length, `no metric ${metric}`);
    return series.reduce((n, m) => n + m.value, 0);
  };
  const whip = (room, stream) => `${origin}/whip/${room}/${stream}`;
  const whep = (room, stream) => `${origin}/whep/${room}/${stream}`;
  return {
    origin, adminOrigin, rtc, token, metrics, count, whip, whep,
    pid: () => child.pid,
    log: () => fs.readFileSync(logFile, 'utf8'),
    alive: () => !end,
    // Ends it as the kernel does when memory is short; start() brings it back, with its keys.
    crash: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    start,
    streams: async room => {
      const r = await fetch(`${origin}/rooms/${room}/streams`,
        {headers: {authorization: `Bearer ${await token({room, watch: true})}`}});
      return (await r.json()).streams;
    },
    // Ends it as an operator does: once to drain, once more since a browser that was killed
    // does not take its leave. What a sanitizer found is in the log.
    stop: async () => {
      child.kill('SIGTERM');
      const timers = [setTimeout(() => child.kill('SIGTERM'), 3000), setTimeout(() => child.kill('SIGKILL'), 60000)];
      const how = end ?? await ended;
      timers.forEach(clearTimeout);
      fs.rmSync(state, {recursive: true});
      assert.deepEqual(how, {code: 0, signal: null}, `see ${logFile}`);
    },
  };
}
