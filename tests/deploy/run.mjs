// What the server is installed by, and watched with: the Helm chart, the systemd unit, the Debian
// package, the container image, the dashboard.

import assert from 'node:assert/strict';
import {execFileSync, spawn, spawnSync} from 'node:child_process';
import dgram from 'node:dgram';
import {once} from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {done, skip, test} from '../browser/harness.mjs';
import {freePort} from '../browser/ports.mjs';
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

// ---- Grafana ----------------------------------------------------------------------------

await test('grafana: each number of the dashboard is one that a server has', async () => {
  const board = JSON.parse(fs.readFileSync(at('deploy/grafana/sluice.json'), 'utf8'));
  const server = await startServer({name: 'deploy'});
  const there = new Map((await server.metrics()).map(m => [m.name, m.labels]));
  await server.stop();
  const wanted = board.panels.flatMap(p => p.targets.map(t => t.expr));
  wanted.push(...board.templating.list.map(v => v.query));
  const names = wanted.flatMap(q => q.match(/\b(sluice|rtcd)_\w+/g) ?? []);
  assert.ok(names.length > 20 && new Set(board.panels.map(p => p.id)).size === board.panels.length);
  assert.deepEqual(names.filter(n => !there.has(n)), []);
  // A label that is summed by or named in a legend is one that the number has.
  for (const {expr, legendFormat} of board.panels.flatMap(p => p.targets)) {
    const labels = {instance: '', ...there.get(/\bsluice_\w+/.exec(expr)[0])};
    const used = [...expr.matchAll(/by \((\w+)\)/g), ...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(m => m[1]);
    assert.deepEqual(used.filter(l => !(l in labels)), [], expr);
  }
  return `${new Set(names).size} metrics`;
});

// ---- the Debian package -----------------------------------------------------------------

await test('package: it installs into an empty root, its program starts, and it goes without a trace', async () => {
  const deb = fs.readdirSync(at('build/package')).filter(f => f.endsWith('.deb'));
  assert.equal(deb.length, 1);
  const root = path.join(dir, 'root'), admin = path.join(root, 'var/lib/dpkg');
  fs.mkdirSync(path.join(admin, 'info'), {recursive: true});
  fs.mkdirSync(path.join(admin, 'updates'));
  fs.copyFileSync('/var/lib/dpkg/status', path.join(admin, 'status'));
  const dpkg = (...words) => {
    const r = run('dpkg', [`--root=${root}`, '--force-not-root,script-chrootless', ...words]);
    assert.equal(r.code, 0, r.said);
  };
  dpkg('--install', at('build/package', deb[0]));
  const program = path.join(root, 'usr/bin/sluice');
  assert.match(execFileSync(program, ['--version'], {encoding: 'utf8'}), /^sluice \d/);
  const config = path.join(root, 'etc/sluice/sluice.toml');
  assert.equal(run(program, ['config', `--config=${config}`], {cwd: dir}).code, 0);
  const packaged = fs.readFileSync(path.join(root, 'lib/systemd/system/sluice.service'), 'utf8');
  for (const [, file] of packaged.matchAll(/(\/(?:usr|etc)\/[^\s]+sluice(?:\.toml)?)(?=\s)/g))
    if (file !== '/etc/default/sluice') assert.ok(fs.existsSync(path.join(root, file)), file);
  assert.match(fs.readFileSync(path.join(root, 'etc/passwd'), 'utf8'), /^sluice:x:\d+:.*:\/var\/lib\/sluice:/m);
  const fields = fs.readFileSync(path.join(admin, 'status'), 'utf8');
  assert.match(/^Package: sluice\n[^]*?\n\n/m.exec(`${fields}\n\n`)[0], /^Depends: .*libssl3.*liblmdb0|^Depends: .*liblmdb0.*libssl3/m);
  const server = await startServer({name: 'deploy', program});
  await server.stop();
  fs.mkdirSync(path.join(root, 'var/lib/sluice/state'), {recursive: true});
  dpkg('--purge', 'sluice');
  for (const file of ['usr/bin/sluice', 'etc/sluice', 'var/lib/sluice']) assert.ok(!fs.existsSync(path.join(root, file)), file);
});

// ---- the container image ----------------------------------------------------------------

const IMAGE = Object.fromEntries([...fs.readFileSync(at('deploy/container/Dockerfile'), 'utf8')
  .matchAll(/^ENV (\w+)=(\S+)$/gm)].map(m => m.slice(1)));
const fileOf = (name, text) => {
  fs.writeFileSync(path.join(dir, name), text);
  return `--config=${path.join(dir, name)}`;
};

// How an operator says where the private face listens: words, and variables.
const SAYS = [
  ['a variable', at => [[], {SLUICE_ADMIN_LISTEN: at}]],
  ['an option', at => [[`--admin.listen=${at}`], {}]],
  ['a file', at => [[fileOf('own.toml', `[admin]\nlisten = "${at}"\n`)], {}]],
  ['rtcd\'s variable', at => [[], {RTCD_API_HTTP_LISTENADDRESS: at}]],
  ['rtcd\'s file', at => [[fileOf('rtcd.toml', `[api]\nhttp.listen_address = "${at}"\n`)], {}]],
];

for (const [name, say] of SAYS)
  await test(`container: ${name} of the operator's counts over what the image says`, async () => {
    assert.ok(Object.keys(IMAGE).length > 0);
    const [admin, rtc] = await Promise.all([freePort(), freePort()]);
    const [words, env] = say(`127.0.0.1:${admin}`);
    const child = spawn(at('build/debug/src/service/sluice'),
      ['serve', '--http.listen=', '--store.directory=', `--rtc.port=${rtc}`, ...words],
      {stdio: 'ignore', env: {...process.env, ...IMAGE, ...env}});
    const ended = once(child, 'exit');
    try {
      await until('the private face to answer', async () => {
        const r = await fetch(`http://127.0.0.1:${admin}/version`).catch(() => null);
        return {ok: r?.ok, value: child.exitCode};
      });
    } finally {
      child.kill();
    }
    assert.deepEqual(await ended, [0, null]);
  });

const images = path.join(dir, 'images');
const able = run('buildah', ['--root', images, '--runroot', images, 'from', 'scratch'], {env: {...process.env, STORAGE_DRIVER: 'vfs'}});
if (able.code !== 0) skip('container: the image', `buildah makes none here: ${able.said.trim().split('\n').pop()}`);
else await test('container: the image builds, and its server starts and stops without being root', () => {
  const r = run(at('tests/deploy/image.sh'), [at('build/deploy/base')]);
  fs.writeFileSync(at('build/test/image.log'), r.said);
  assert.equal(r.code, 0, 'see build/test/image.log');
  assert.match(r.said, /^65532:65532 map\[8045\/tcp:{} 8080\/tcp:{} 8443\/tcp:{} 8443\/udp:{}] \[\/usr\/bin\/sluice]$/m);
  assert.match(r.said, /^sluice \d/m);
  assert.match(r.said, /^65532$/m);
  assert.match(r.said, /^the settings are good$/m);
  assert.match(r.said, /^ended with 0$/m);
});

process.exit(done());
