// What an operator meets: the first start, wrong settings, logs, metrics, draining, the end.

import assert from 'node:assert/strict';
import {execFile, execFileSync, spawn} from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {done, test} from '../browser/harness.mjs';
import {freePort} from '../browser/ports.mjs';
import {sleep, until} from '../browser/until.mjs';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
const BINARY = process.env.SLUICE ?? path.join(TOP, 'build/debug/src/service/sluice');
const OFFER = fs.readFileSync(path.join(TOP, 'tests/sdp/chromium-sendonly-single.sdp'));
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-operations-'));
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  fs.rmSync(dir, {recursive: true});
});

const ports = async () => ({http: await freePort(), admin: await freePort(), rtc: await freePort()});
const words = (p, state, more = []) => ['serve', `--store.directory=${state}`, `--http.listen=127.0.0.1:${p.http}`,
  `--admin.listen=127.0.0.1:${p.admin}`, `--rtc.port=${p.rtc}`, '--rtc.workers=2', ...more];

// A server and all that it says. end: {code, signal} once it ended.
function run(args, env = {}) {
  const child = spawn(BINARY, args, {stdio: ['ignore', 'pipe', 'pipe'], env: {...process.env, ...env}});
  const me = {child, out: '', err: '', end: null};
  running.add(child);
  child.stdout.on('data', d => { me.out += d; });
  child.stderr.on('data', d => { me.err += d; });
  me.ended = new Promise(r => child.on('close', (code, signal) => {
    running.delete(child);
    r(me.end = {code, signal});
  }));
  return me;
}
const get = (port, path) => fetch(`http://127.0.0.1:${port}${path}`).catch(() => null);
const ready = (me, p) => until('ready', async () => {
  assert.equal(me.end, null, me.err);
  return {ok: (await get(p.admin, '/health/ready'))?.ok};
});
// Two signals of one kind that come together are one, so the second waits for the first.
const stop = async me => {
  me.child.kill('SIGTERM');
  await until('an end', () => ({ok: me.end || me.err.includes('draining')}));
  me.child.kill('SIGTERM');
  return me.ended;
};
const publish = (p, room, token) => fetch(`http://127.0.0.1:${p.http}/whip/${room}`,
  {method: 'POST', body: OFFER, headers: {'content-type': 'application/sdp', authorization: `Bearer ${token}`}});
const tokenOf = me => /#token=(\S+)/.exec(me.out)[1];

// A command that ends by itself: {code, err}.
const fails = (args, env) => new Promise(resolve => execFile(BINARY, args,
  {env: {...process.env, ...env}, timeout: 60000}, (error, out, err) => resolve({code: error ? error.code ?? 'killed' : 0, err})));

const state = path.join(dir, 'state');
const p = await ports();
let token;

await test('the first start makes a key, says it once, and names both pages', async () => {
  const me = run(words(p, state));
  await ready(me, p);
  assert.match(me.out, /kid +dev\n +secret +\S{43}\n/);
  token = tokenOf(me);
  assert.ok(me.out.includes(`/streams#token=${token}\n`), me.out);
  assert.equal((await publish(p, 'a', token)).status, 201);
  assert.deepEqual(await stop(me), {code: 0, signal: null});
});

await test('the next start keeps it: yesterday\'s token still opens', async () => {
  const me = run(words(p, state));
  await ready(me, p);
  assert.doesNotMatch(me.out, /secret/);
  assert.equal((await publish(p, 'a', token)).status, 201);
  assert.equal((await publish(p, 'a', `${token}x`)).status, 401);
  await stop(me);
});

await test('logs are JSON lines where no terminal is, and text if so set', async () => {
  const me = run(words(p, state));
  await ready(me, p);
  assert.equal((await publish(p, 'logged', token)).status, 201);
  await until('a line', () => ({ok: me.err.includes('peer joined')}));
  await stop(me);
  const lines = me.err.trim().split('\n').map(l => JSON.parse(l));
  assert.ok(lines.every(l => l.time && l.level && l.msg));
  assert.equal(lines.find(l => l.msg === 'peer joined').room, 'default/logged');
  const text = run(words(p, state), {SLUICE_LOG_FORMAT: 'text'});
  await ready(text, p);
  await stop(text);
  assert.doesNotMatch(text.err, /^\{/m);
});

await test('metrics please promtool, and count', async () => {
  const me = run(words(p, state));
  await ready(me, p);
  await publish(p, 'counted', token);
  const text = await (await get(p.admin, '/metrics')).text();
  execFileSync('promtool', ['check', 'metrics'], {input: text});
  assert.match(text, /^sluice_publishers 1$/m);
  assert.match(text, /^sluice_joined_total 1$/m);
  await stop(me);
});

await test('/admin/transports tells who is connected, and takes a ceiling', async () => {
  const me = run(words(p, state, ['--limits.max_bps=2000000']));
  await ready(me, p);
  const made = await publish(p, 'seen', token);
  const answer = await made.text();
  assert.match(answer, /^b=TIAS:2000000\r$/m);
  const {transports: [it, ...more]} = await (await get(p.admin, '/admin/transports')).json();
  assert.deepEqual(more, []);
  assert.deepEqual([it.room, it.role, it.up, it.max_bps], ['default/seen', 'publisher', false, 2000000]);
  const one = async () => (await get(p.admin, `/admin/transports/${it.id}`)).json();
  assert.deepEqual((await one()).tracks.map(t => [t.kind, t.stream, t.source]),
    [['audio', 'main', 'microphone'], ['video', 'main', 'camera']]);
  const set = (id, body, type = 'application/json') => fetch(`http://127.0.0.1:${p.admin}/admin/transports/${id}`,
    {method: 'POST', body, headers: {'content-type': type}}).then(r => r.status);
  assert.equal(await set(it.id, '{"max_bps":500000}'), 204);
  assert.equal((await one()).max_bps, 500000);
  assert.equal(await set(it.id, '{"max_bps":"many"}'), 400);
  assert.equal(await set(it.id, '{"max_bps":1}', 'text/plain'), 415);
  assert.equal(await set('1234', '{"max_bps":1}'), 404);
  assert.equal((await get(p.admin, '/admin/transports/1234')).status, 404);
  assert.equal((await get(p.http, '/admin/transports')).status, 404);
  await stop(me);
});

await test('the public face does not answer what belongs to the private one', async () => {
  const me = run(words(p, state));
  await ready(me, p);
  for (const at of ['/metrics', '/health/live', '/health/ready'])
    assert.equal((await get(p.http, at)).status, 404, at);
  assert.equal((await get(p.admin, '/')).status, 404);
  assert.equal((await get(p.admin, '/whip/a')).status, 404);
  await stop(me);
});

await test('settings come from file, environment and flags, the later over the earlier', async () => {
  const file = path.join(dir, 'sluice.toml'), q = await ports();
  fs.writeFileSync(file, `[rtc]\nport = ${q.rtc}\nworkers = 1\n[store]\ndirectory = "${state}"\n` +
    `[admin]\nlisten = "127.0.0.1:1"\n[http]\nlisten = "127.0.0.1:2"\n`);
  const me = run(['serve', `--config=${file}`, `--http.listen=127.0.0.1:${q.http}`],
    {SLUICE_ADMIN_LISTEN: `127.0.0.1:${q.admin}`, SLUICE_HTTP_LISTEN: '127.0.0.1:3'});
  await ready(me, q);
  await until('a line', () => ({ok: me.err.includes('ready')}));
  assert.equal(JSON.parse(me.err.split('\n')[0]).workers, 1);
  await stop(me);
});

await test('a wrong setting is told with its file, line and key', async () => {
  const file = path.join(dir, 'wrong.toml');
  fs.writeFileSync(file, '[rtc]\nport = 8443\nworkerz = 2\n');
  let r = await fails(['serve', `--config=${file}`]);
  assert.notEqual(r.code, 0);
  assert.match(r.err, /wrong\.toml:3:.*workerz/);
  fs.writeFileSync(file, '[rtc]\nport = "many"\n');
  r = await fails(['serve', `--config=${file}`]);
  assert.match(r.err, /wrong\.toml:2:.*port/);
  r = await fails(['serve'], {SLUICE_RTC_PORT: '70000'});
  assert.match(r.err, /SLUICE_RTC_PORT.*65535/);
  r = await fails(['serve', '--rtc.prot=1']);
  assert.match(r.err, /rtc\.prot/);
  r = await fails(['serve', `--config=${path.join(dir, 'none.toml')}`]);
  assert.match(r.err, /none\.toml/);
});

await test('a second server is refused where a port is the first one\'s', async () => {
  const me = run(words(p, state));
  await ready(me, p);
  const q = await ports(), other = path.join(dir, 'other');
  for (const [what, name] of [['http', 'public'], ['admin', 'private'], ['rtc', 'media']]) {
    const r = await fails(words({...q, [what]: p[what]}, other));
    assert.equal(r.code, 1, `${what}: ${r.err}`);
    assert.match(r.err, new RegExp(`${name}.*in use`), what);
  }
  assert.equal(me.end, null);
  await stop(me);
});

await test('a worker is captured for who shows the secret, and replayed', async () => {
  const tapes = path.join(dir, 'captures');
  fs.mkdirSync(tapes);
  const me = run(words(p, state, [`--captures.directory=${tapes}`, '--rooms.api_secret=hush']));
  await ready(me, p);
  const ask = (method, at = '', body, secret = 'hush') => fetch(`http://127.0.0.1:${p.admin}/v1/captures${at}`,
    {method, body, headers: {authorization: `Bearer ${secret}`, 'content-type': 'application/json'}});
  assert.equal((await ask('POST', '', '{}', 'guess')).status, 401);
  const made = await Promise.all([0, 1].map(worker => ask('POST', '', `{"worker":${worker},"mib":32}`)));
  assert.deepEqual(made.map(r => r.status), [201, 201]);
  const files = (await Promise.all(made.map(r => r.json()))).map(c => path.join(tapes, c.file));
  assert.equal((await ask('POST', '', '{"worker":0}')).status, 409);
  const load = await fails(['bench', `--url=http://127.0.0.1:${p.http}`, `--token=${token}`, '--subscribers=3',
    '--rate=10', '--burst=2', '--duration=3']);
  assert.notEqual(load.code, 'killed', load.err);
  for (const worker of [0, 1]) assert.equal((await ask('DELETE', `/${worker}`)).status, 204);
  await until('the end of both', async () => ({ok: (await (await ask('GET')).json()).captures.length === 0}));
  let forwarded = 0;
  for (const file of files) {
    const said = execFileSync(BINARY, ['replay', file]).toString();
    assert.match(said, /^the same$/m);
    forwarded += Number(/(\d+) packets forwarded/.exec(said)[1]);
    assert.equal(fs.statSync(file).mode & 0o7777, 0o600);
  }
  assert.ok(forwarded > 0);
  await stop(me);
  assert.equal(me.err.split('capture asked for').length, 3);
  assert.doesNotMatch(me.err, /hush/);
  const off = run(words(p, state, ['--rooms.api_secret=hush']));
  await ready(off, p);
  assert.equal((await ask('POST', '', '{}')).status, 403);
  await stop(off);
});

// Packets of a trace that Wireshark takes for this, by its fields.
const PAYLOADS = {opus: 111, vp8: 96};
function dissect(file, port, filter, ...fields) {
  const as = [`udp.port==${port},rtp`, ...Object.entries(PAYLOADS).map(([codec, pt]) => `rtp.pt==${pt},${codec}`)];
  return execFileSync('tshark', ['-n', '-r', file, ...as.flatMap(a => ['-d', a]), '-Y', filter, '-T', 'fields',
    ...fields.flatMap(f => ['-e', f])], {stdio: ['ignore', 'pipe', 'pipe']}).toString().split('\n').slice(0, -1).map(l => l.split('\t'));
}

// RTP one way, without a gap, of one SSRC and payload type.
function unbroken(file, port, way, ssrc, pt) {
  const [from, to] = way === 'in' ? ['ip.src', 'ip.dst'] : ['ip.dst', 'ip.src'];
  const rows = dissect(file, port, `rtp.ssrc == ${ssrc} && frame.packet_flags_direction == ${way === 'in' ? 1 : 2}`, 'rtp.seq', 'rtp.p_type',
    from, to, way === 'in' ? 'udp.dstport' : 'udp.srcport', 'frame.time_epoch', 'frame.interface_name');
  assert.ok(rows.length > 0, `${file}: RTP ${way}`);
  rows.forEach(([seq, type, peer, us, local, at, name], i) => {
    assert.equal(Number(type), pt);
    if (i > 0) assert.equal(Number(seq), (Number(rows[i - 1][0]) + 1) % 65536, `${file}: behind ${rows[i - 1][0]}`);
    assert.match(peer, /^127\./);
    assert.equal(us, '127.0.0.1');
    assert.equal(Number(local), port);
    assert.ok(Math.abs(Number(at) - Date.now() / 1000) < 600);
    assert.equal(name, 'udp');
  });
  return rows.length;
}

await test('what a participant says and hears is traced for who shows the secret, and Wireshark reads it', async () => {
  const files = path.join(dir, 'traces');
  fs.mkdirSync(files);
  const me = run(words(p, state, [`--captures.directory=${files}`, '--rooms.api_secret=hush']));
  await ready(me, p);
  const ask = (method, at, body, secret = 'hush') => fetch(`http://127.0.0.1:${p.admin}/v1/${at}`,
    {method, body, headers: {authorization: `Bearer ${secret}`, 'content-type': 'application/json'}});
  const json = async at => (await ask('GET', at)).json();
  const load = [['voice', '--audio', '--rate=50'], ['picture', '--rate=10', '--burst=3']].map(([room, ...more]) =>
    run(['bench', `--url=http://127.0.0.1:${p.http}`, `--token=${token}`, `--room=${room}`, '--subscribers=2', '--duration=3600', ...more]));
  // Who publishes there, once that is so, and somebody who watches; both with their transports.
  const traced = [];
  for (const room of ['voice0', 'picture0']) {
    const who = await until(`a publisher in ${room}`, async () => {
      const r = await ask('GET', `rooms/default/${room}`);
      const [peer] = r.ok ? (await r.json()).peers : [];
      return {ok: peer?.tracks.length > 0, value: peer?.peer};
    });
    assert.equal((await ask('POST', `rooms/default/${room}/peers/${who}/traces`, '{}', 'guess')).status, 401);
    const r = await ask('POST', `rooms/default/${room}/peers/${who}/traces`, '{"seconds":3600,"mib":16}');
    assert.equal(r.status, 201);
    const {traces} = await r.json();
    assert.equal(traces.length, 1);
    traced.push({...traces[0], way: 'in', ...await json(`transports/${traces[0].transport}`)});
    const viewer = await until(`a viewer in ${room}`, async () => {
      const all = await Promise.all([0, 1].map(w => json(`workers/${w}/routers/default/${room}/transports`)));
      const one = all.flatMap(x => x.transports ?? []).find(t => t.consumers_n > 0);
      return {ok: one, value: one?.transport};
    });
    const w = await ask('POST', `transports/${viewer}/traces`, '{"seconds":3600,"mib":16}');
    assert.equal(w.status, 201);
    assert.equal((await ask('POST', `transports/${viewer}/traces`, '{}')).status, 409);
    traced.push({...(await w.json()).traces[0], way: 'out', ...await json(`transports/${viewer}`)});
  }
  const counted = async t => { // so far, as the server counts
    const {transport: x} = await json(`transports/${t.transport.transport}`);
    return t.way === 'in' ? x.packets_received : x.packets_sent;
  };
  const before = await Promise.all(traced.map(counted));
  const after = await until('some seconds of each', async () => { // reports are sent each second
    const now = await Promise.all(traced.map(counted));
    return {ok: now.every((n, i) => n >= before[i] + 200), value: now};
  });
  assert.equal((await json('traces')).traces.length, 4);
  for (const t of traced) assert.equal((await ask('DELETE', `traces/${t.transport.transport}`)).status, 204);
  await until('their end', async () => ({ok: (await json('traces')).traces.length === 0}));
  for (const l of load) l.child.kill('SIGKILL');
  for (const [i, t] of traced.entries()) {
    const file = path.join(files, t.file), {ssrc} = t.way === 'in' ? t.producers[0].encodings[0] : t.consumers[0];
    const kind = (t.way === 'in' ? t.producers : t.consumers)[0].kind, pt = kind === 'video' ? PAYLOADS.vp8 : PAYLOADS.opus;
    assert.equal(fs.statSync(file).mode & 0o7777, 0o600);
    const n = unbroken(file, p.rtc, t.way, ssrc, pt);
    // Whoever gets it reports about it.
    const reports = dissect(file, p.rtc, `rtcp.pt == 201 && frame.packet_flags_direction == ${t.way === 'in' ? 2 : 1}`,
      'rtcp.ssrc.identifier');
    assert.ok(reports.some(([ids]) => ids.split(',').map(Number).includes(ssrc)), `${file}: reports`);
    assert.ok(after[i] > before[i] && n >= after[i] - before[i], `${file}: ${n} packets, ${before[i]} to ${after[i]}`);
    if (kind === 'video')
      assert.ok(dissect(file, p.rtc, 'vp8.keyframe.width == 640 && vp8.keyframe.height == 360', 'rtp.seq').length > 0, `${file}: a picture`);
    else assert.ok(dissect(file, p.rtc, 'opus', 'rtp.seq').length >= n, `${file}: sound`);
  }
  await stop(me);
  assert.equal(me.err.split('trace asked for').length, 5);
  assert.match(me.err, /trace asked for.*"by":"127\.0\.0\.1:/);
  assert.doesNotMatch(me.err, /hush/);
  const off = run(words(p, state, ['--rooms.api_secret=hush']));
  await ready(off, p);
  assert.equal((await ask('GET', 'traces')).status, 403);
  await stop(off);
});

await test('SIGTERM drains: sessions go on, new ones are refused, and the last one ends it', async () => {
  const me = run(words(p, state));
  await ready(me, p);
  const r = await publish(p, 'draining', token);
  const session = new URL(r.headers.get('location'), `http://127.0.0.1:${p.http}`);
  me.child.kill('SIGTERM');
  await until('not ready', async () => ({ok: (await get(p.admin, '/health/ready')).status === 503}));
  assert.equal((await get(p.admin, '/health/live')).status, 200);
  const refused = await publish(p, 'late', token);
  assert.equal(refused.status, 503);
  assert.ok(refused.headers.get('retry-after'));
  assert.match(refused.headers.get('content-type'), /problem\+json/);
  await sleep(300);
  assert.equal(me.end, null);
  assert.equal((await fetch(session, {method: 'DELETE'})).status, 200);
  assert.deepEqual(await me.ended, {code: 0, signal: null});
});

await test('the deadline ends it with sessions left, and says so', async () => {
  const me = run(words(p, state, ['--drain.deadline=1s']));
  await ready(me, p);
  assert.equal((await publish(p, 'staying', token)).status, 201);
  const begun = Date.now();
  me.child.kill('SIGTERM');
  assert.deepEqual(await me.ended, {code: 0, signal: null});
  assert.ok(Date.now() - begun >= 1000);
  assert.match(me.err, /drain deadline.*"publishers":1/);
});

await test('SIGUSR2 takes the drain back, deadline and all, and the next SIGTERM drains anew', async () => {
  const deadline = 5000; // by which the drain must have been taken back
  const me = run(words(p, state, [`--drain.deadline=${deadline}ms`]));
  await ready(me, p);
  assert.equal((await publish(p, 'kept', token)).status, 201);
  me.child.kill('SIGUSR2'); // before any: it means nothing
  me.child.kill('SIGTERM');
  await until('not ready', async () => ({ok: (await get(p.admin, '/health/ready')).status === 503}));
  me.child.kill('SIGUSR2');
  await ready(me, p);
  assert.equal((await publish(p, 'new', token)).status, 201);
  await sleep(deadline + 200);
  assert.equal(me.end, null);
  const begun = Date.now();
  me.child.kill('SIGTERM');
  assert.deepEqual(await me.ended, {code: 0, signal: null});
  assert.ok(Date.now() - begun >= deadline);
  assert.match(me.err, /drain deadline.*"publishers":2/);
});

await test('a second SIGTERM ends it at once', async () => {
  const me = run(words(p, state));
  await ready(me, p);
  assert.equal((await publish(p, 'cut', token)).status, 201);
  me.child.kill('SIGTERM');
  await until('draining', () => ({ok: me.err.includes('draining')}));
  me.child.kill('SIGTERM');
  assert.deepEqual(await me.ended, {code: 0, signal: null});
  assert.match(me.err, /stopping at once/);
});

await test('help, version and the manual page name every command', async () => {
  const help = execFileSync(BINARY, ['--help']).toString();
  const page = fs.readFileSync(path.join(TOP, 'docs/sluice.1'), 'utf8');
  const commands = [...help.matchAll(/^ {2}([\w-]+)/gm)].map(m => m[1]);
  assert.ok(commands.includes('serve') && commands.includes('token') && commands.includes('config'));
  for (const c of commands) {
    assert.match(execFileSync(BINARY, [c, '--help']).toString(), new RegExp(`usage: sluice ${c}`));
    assert.ok(page.replaceAll('\\-', '-').includes(`sluice ${c}`), `${c} is not in the manual page`);
  }
  assert.match(execFileSync(BINARY, ['--version']).toString(), /^sluice \d/);
});

process.exit(done());
