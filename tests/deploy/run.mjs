// What the server is installed by: the Helm chart, the systemd unit.

import assert from 'node:assert/strict';
import {execFileSync, spawnSync} from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {done, test} from '../browser/harness.mjs';
import {startServer} from '../browser/server.mjs';
import {until} from '../browser/until.mjs';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
const at = (...p) => path.join(TOP, ...p);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-deploy-'));
process.on('exit', () => fs.rmSync(dir, {recursive: true, force: true}));

// A command and all that it said, its end included.
const run = (command, args, options = {}) => {
  const r = spawnSync(command, args, {encoding: 'utf8', ...options});
  return {code: r.error ? r.error.message : r.status, said: (r.stdout ?? '') + (r.stderr ?? '')};
};

// ---- Helm -------------------------------------------------------------------------------

const chart = run(at('build/deploy/chart'), [at('deploy/helm'), at('tests/deploy/helm/values')]);
const why = [];
for (const line of chart.said.split('\n')) {
  const row = /^(ok  |FAIL) (.*)/.exec(line);
  if (row) await test(row[2], () => assert.ok(row[1] === 'ok  ', why.splice(0).join('; ')));
  else if (line.startsWith('  ')) why.push(line.trim());
}
await test('helm: the chart was looked at', () => assert.match(chart.said, /^\d\d passed, 0 failed$/m));

await test('helm: the chart is of this version', () => {
  const version = /version: '([\d.]+)'/.exec(fs.readFileSync(at('meson.build'), 'utf8'))[1];
  assert.match(fs.readFileSync(at('deploy/helm/Chart.yaml'), 'utf8'), new RegExp(`^appVersion: "${version}"$`, 'm'));
});

// ---- systemd ----------------------------------------------------------------------------

const UNIT = at('deploy/systemd/sluice.service');
const unit = fs.readFileSync(UNIT, 'utf8');

await test('systemd: the unit is understood', () => {
  // The program is not installed here; that it is at that path is the package's test.
  const copy = path.join(dir, 'sluice.service');
  fs.writeFileSync(copy, unit.replace('/usr/bin/sluice', '/bin/true'));
  assert.deepEqual(run('systemd-analyze', ['verify', '--man=no', copy]), {code: 0, said: ''});
});

await test('systemd: it is exposed by less than 1.5 of 10', () => {
  const r = run('systemd-analyze', ['security', '--offline=true', '--no-pager', '--threshold=15', UNIT]);
  assert.equal(r.code, 0, r.said);
  return /exposure level.*: ([\d.]+)/.exec(r.said)[1];
});

// The names of a filter's calls, sets of sets included.
function calls(filter) {
  const lines = execFileSync('systemd-analyze', ['syscall-filter', '--no-pager', filter], {encoding: 'utf8'}).split('\n');
  const words = lines.slice(1).map(l => l.trim()).filter(l => l && !l.startsWith('#'));
  return words.flatMap(w => w.startsWith('@') ? calls(w) : [w]);
}

await test('systemd: the server calls nothing that the unit forbids', async () => {
  const trace = path.join(dir, 'trace');
  const server = await startServer({name: 'deploy', under: ['strace', '-D', '-f', '-qq', '-o', trace],
    env: {ASAN_OPTIONS: 'detect_leaks=0'}}); // which would trace it, too
  const socket = dgram.createSocket('udp4');
  await until('a datagram to arrive', () => {
    socket.send('not media', server.rtc, '127.0.0.1');
    return server.count('sluice_received_datagrams_total').then(n => ({ok: n > 0}));
  });
  socket.close();
  await server.stop();
  const allowed = new Set([...unit.matchAll(/^SystemCallFilter=(@\S+)$/gm)].flatMap(m => calls(m[1])));
  for (const m of unit.matchAll(/^SystemCallFilter=~(@\S+)$/gm))
    for (const call of calls(m[1])) allowed.delete(call);
  const used = new Set([...fs.readFileSync(trace, 'utf8').matchAll(/^\d+ +(\w+)\(/gm)].map(m => m[1]));
  assert.ok(used.has('recvmmsg') && used.has('epoll_ctl'), [...used].join(' '));
  assert.deepEqual([...used].filter(call => !allowed.has(call)), []);
  return `${used.size} calls`;
});

process.exit(done());
