// What the attacks share: offers, requests from any loopback address, participants, and the
// watch over a server under attack.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {sleep, until} from '../browser/until.mjs';

export {sleep, until};

const METRICS = 2200; // the media threads are asked once a second, and answer when they can

const TOP = fileURLToPath(new URL('../../', import.meta.url));
const PEER = process.env.ATTACK_PEER ?? path.join(TOP, 'build/debug/tests/attack/attack_peer');

// Numbers that look random and are the same each time (mulberry32).
export function seeded(seed) {
  return n => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) % n;
  };
}

// ---- signalling ----------------------------------------------------------------------------

const PRINT = Array(32).fill('5A').join(':');
export const SSRC = 4711, PT = 111;

// An offer of one audio stream. change: turns its lines into others.
export function offer({direction = 'sendonly', print = PRINT, change = x => x} = {}) {
  return change(['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0',
    `m=audio 9 UDP/TLS/RTP/SAVPF ${PT}`, 'c=IN IP4 0.0.0.0', 'a=mid:0', `a=${direction}`,
    'a=rtcp-mux', 'a=ice-ufrag:them', 'a=ice-pwd:thempasswordthempassword', 'a=setup:actpass',
    `a=fingerprint:sha-256 ${print}`, `a=rtpmap:${PT} opus/48000/2`,
    ...(direction === 'sendonly' ? ['a=msid:m a', `a=ssrc:${SSRC} cname:c`] : [])]).join('\r\n') + '\r\n';
}

// from: a local address, one of 127.0.0.0/8, which limits go by.
export function request(server, method, url, {token, headers = {}, body = '', from = '127.0.0.1'} = {}) {
  const u = new URL(url, server.origin);
  return new Promise((resolve, reject) => {
    const r = http.request({agent: false, method, host: u.hostname, port: u.port, path: u.pathname, localAddress: from,
      headers: {...(token ? {authorization: `Bearer ${token}`} : {}),
        ...(body ? {'content-type': 'application/sdp', 'content-length': Buffer.byteLength(body)} : {}), ...headers}},
    res => {
      let text = '';
      res.on('data', d => text += d).on('end', () => resolve({status: res.statusCode, headers: res.headers, text,
        problem: res.headers['content-type'] === 'application/problem+json' ? JSON.parse(text) : null}))
        .on('error', reject);
    });
    r.setTimeout(20000, () => r.destroy(new Error(`no answer to ${method} ${url}`)));
    r.on('error', reject).end(body);
  });
}

// A refusal as docs/whip-whep.md promises it.
export function refused(res, status, type) {
  assert.equal(res.status, status, res.text);
  assert.equal(res.problem?.type, `urn:sluice:problem:${type}`);
  assert.equal(res.problem.status, status);
  assert.match(res.problem.code, /^[a-z-]+$/);
}

// An answer to what the server offers: everything that it sends is taken.
export function answerTo(sdp, print) {
  const [head, ...sections] = sdp.split(/^(?=m=)/m);
  const take = section => [
    ...section.split('\r\n').filter(l => /^(m=|c=|a=(mid|rtcp-mux|rtpmap|fmtp|rtcp-fb|extmap):?)/.test(l)),
    /^a=send(only|recv)/m.test(section) ? 'a=recvonly' : 'a=inactive', 'a=ice-ufrag:them', 'a=ice-pwd:thempasswordthempassword',
    'a=setup:active', `a=fingerprint:sha-256 ${print}`];
  return ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', /^a=group:BUNDLE.*$/m.exec(head)[0].trim(),
    ...sections.flatMap(take), ''].join('\r\n');
}

// What a participant has to know of the server's description.
export function credentials(sdp) {
  const one = name => new RegExp(`^a=${name}:(.*)$`, 'm').exec(sdp)[1].trim();
  return {ufrag: one('ice-ufrag'), pwd: one('ice-pwd'), print: one('fingerprint').split(' ')[1]};
}

// Joins, and returns what the answer told.
export async function join(server, kind, room, {print, stream = 's', from, token} = {}) {
  const publish = kind === 'whip';
  const res = await request(server, 'POST', `/${kind}/${room}/${stream}`, {from,
    token: token ?? await tokenFor(server), body: offer({direction: publish ? 'sendonly' : 'recvonly', print})});
  assert.equal(res.status, 201, res.text);
  return {location: res.headers.location, etag: res.headers.etag, sdp: res.text, ...credentials(res.text),
    leave: () => request(server, 'DELETE', res.headers.location, {from})};
}

// One for all rooms, made once: who may join is not what most attacks are about.
const tokens = new Map();
export function tokenFor(server) {
  if (!tokens.has(server)) tokens.set(server, server.token({room: '*', publish: true, watch: true}));
  return tokens.get(server);
}

// ---- participants --------------------------------------------------------------------------

const running = new Set();
process.on('exit', () => running.forEach(child => child.kill('SIGKILL')));

// A process of its own, so that a busy test does not make it stumble. under: words of a command
// that it is run by.
export async function participant(kind, {under = []} = {}) {
  const [command, ...args] = [...under, PEER, kind === 'whip' ? 'publish' : 'watch'];
  const child = spawn(command, args, {stdio: ['pipe', 'pipe', 'inherit']});
  const me = {seen: null, lines: 0, kind, pid: child.pid};
  running.add(child);
  const ended = new Promise(r => child.on('exit', () => r(running.delete(child))));
  const print = await new Promise((resolve, reject) => {
    child.on('error', reject);
    createInterface({input: child.stdout}).on('line', line => {
      if (!line.startsWith('{')) return resolve(line);
      me.seen = JSON.parse(line);
      me.lines++;
    });
  });
  return Object.assign(me, {print,
    connect: (session, address, port) => child.stdin.write(
      `${address} ${port} ${session.ufrag} ${session.pwd} ${session.print} ${SSRC} ${PT}\n`),
    up: () => until('a connection', () => ({ok: me.seen?.up, value: me.seen})),
    // What it has seen by now, and not a moment ago.
    look: async () => {
      const n = me.lines;
      return until('numbers of a participant', () => ({ok: me.lines > n + 1, value: me.seen}));
    },
    mark: async () => {
      child.stdin.write('mark\n');
      const n = me.lines;
      await until('a new measurement', () => ({ok: me.lines > n + 1}));
    },
    leave: () => {
      child.stdin.end();
      return ended;
    },
    vanish: () => {
      child.kill('SIGKILL');
      return ended;
    },
  });
}

// A participant in a session. via: where it sends to, a relay in front of the server perhaps.
export async function attend(server, kind, room, {via = server.rtc, stream, token} = {}) {
  const p = await participant(kind);
  p.session = await join(server, kind, room, {print: p.print, stream, token});
  p.connect(p.session, '127.0.0.1', via);
  await p.up();
  return p;
}

// A publisher and a viewer who want no harm.
export async function innocents(server, room, options) {
  const pub = await attend(server, 'whip', room, options);
  const view = await attend(server, 'whep', room);
  const both = {pub, view,
    mark: () => Promise.all([pub.mark(), view.mark()]),
    // Nothing was lost, nothing was changed, nothing came late: silence is measured by the
    // publisher's own, since the machine is not ours alone.
    unharmed: async () => {
      const [p, v] = await Promise.all([pub.look(), view.look()]);
      assert.equal(v.lost, 0, `${v.lost} of ${v.packets} packets lost`);
      assert.equal(v.wrong, 0);
      assert.ok(v.packets > 20, `only ${v.packets} packets came`);
      assert.ok(v.gap_ms <= p.gap_ms + 250, `silent for ${v.gap_ms} ms, the publisher for ${p.gap_ms}`);
      return v;
    },
    leave: async () => {
      await Promise.all([pub.leave(), view.leave()]);
    }};
  await until('packets', async () => ({ok: (await view.look()).packets > 0, value: view.seen}));
  await sleep(METRICS); // so that they are counted among what there was before
  return both;
}

// ---- datagrams -----------------------------------------------------------------------------

// A socket that floods. It waits for its own queue, so a flood is as fast as one thread sends.
export async function shooter(server, {from = '127.0.0.1', port = server.rtc, address = '127.0.0.1'} = {}) {
  const s = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await new Promise(r => s.bind(0, from, r));
  const me = {answers: [], port: s.address().port, n: 0,
    send: d => new Promise((resolve, reject) => s.send(d, port, address, e => e ? reject(e) : resolve(me.n++))),
    // The queue is drained every 64 datagrams; and now and then the kernel may deliver.
    sendAll: async datagrams => {
      let i = 0;
      for (const d of datagrams) {
        const sent = me.send(d);
        if (++i % 64 === 0) await sent;
        if (i % 512 === 0) await sleep(5);
      }
      await me.send(Buffer.of(0xff));
    },
    close: () => s.close()};
  s.on('message', d => me.answers.push(d));
  return me;
}

// Stands between a participant and the server. What the participant sends goes through
// me.up(datagram), which returns what is sent on in its place: an attacker on the path.
export async function relay(server) {
  const front = dgram.createSocket('udp4'), back = dgram.createSocket('udp4');
  await Promise.all([front, back].map(s => new Promise(r => s.bind(0, '127.0.0.1', r))));
  let client;
  const me = {port: front.address().port, up: d => [d],
    send: d => new Promise((resolve, reject) => back.send(d, server.rtc, '127.0.0.1', e => e ? reject(e) : resolve())),
    close: () => [front, back].forEach(s => s.close())};
  front.on('message', (d, from) => {
    client = from;
    for (const x of me.up(d)) me.send(x);
  });
  back.on('message', d => front.send(d, client.port, client.address));
  return me;
}

// ---- the watch -----------------------------------------------------------------------------

export const rss = pid => Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const files = pid => fs.readdirSync(`/proc/${pid}/fd`).length;

// All that is counted, as a function of a metric and the labels that a series must have.
async function numbers(server) {
  const all = await server.metrics();
  return ([metric, labels = {}]) => {
    const series = all.filter(m => m.name === metric && Object.entries(labels).every(([k, v]) => m.labels[k] === v));
    assert.ok(series.length, `no metric ${metric} ${JSON.stringify(labels)}`);
    return series.reduce((n, m) => n + m.value, 0);
  };
}

export const dropped = reason => ['sluice_dropped_total', {reason}];

// What there is now, and is not when those who made it are gone.
const GAUGES = ['rooms', 'publishers', 'viewers', 'transports', 'expected_transports', 'producers', 'consumers',
  'dtls_associations', 'dtls_handshakes_pending'].map(g => `sluice_${g}`);
const things = count => Object.fromEntries(GAUGES.map(g => [g, count([g])]));

/*
 * Runs an attack and asserts what must hold of each: the server stays up, the stream beside
 * it notices nothing, each counter moves, nothing is left of sessions, memory and file
 * descriptors return to where they were. tolerance: MiB. It is generous, as allocators are:
 * what a stranger could make us leak goes far beyond it.
 */
export async function attack({server, beside}, {counters = [], tolerance = 12, settle = 10000}, f) {
  const pid = server.pid();
  const count = await numbers(server);
  const before = {rss: rss(pid), files: files(pid), things: things(count)};
  await beside.mark();
  await f();
  assert.ok(server.alive(), 'the server ended');
  await beside.unharmed();
  for (const c of counters)
    await until(`${c[0]} ${JSON.stringify(c[1])} to count`, async () => {
      const now = (await numbers(server))(c);
      return {ok: now > count(c), value: now};
    }, 4000);
  await until(`nothing to be left beside ${JSON.stringify(before.things)}`, async () => {
    const now = things(await numbers(server));
    return {ok: GAUGES.every(g => now[g] <= before.things[g]), value: now};
  }, settle);
  await until(`file descriptors to be ${before.files} again`, async () => {
    const now = files(pid);
    return {ok: now <= before.files + 1, value: now};
  }, settle);
  return until(`memory to be ${before.rss.toFixed(0)} MiB again, or ${tolerance} more`, async () => {
    const now = rss(pid);
    return {ok: now <= before.rss + tolerance, value: `${before.rss.toFixed(0)} to ${now.toFixed(0)} MiB`};
  }, settle);
}
