// The room API and webhooks against a server that nobody is connected to, and that is killed at times.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {freePort} from '../browser/ports.mjs';
import {until} from '../browser/until.mjs';
import {BackEnd, SECRET} from './backend.mjs';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
const BINARY = process.env.SLUICE ?? path.join(TOP, 'build/debug/src/service/sluice');
const OFFER = fs.readFileSync(path.join(TOP, 'tests/sdp/chromium-sendonly-single.sdp'));
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-roomapi-'));
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  fs.rmSync(dir, {recursive: true});
});

// A server, as it can be killed and started again.
class Server {
  constructor(name) { this.state = path.join(dir, name); }
  async start(more = []) {
    this.port ??= await freePort();
    this.http ??= await freePort();
    this.rtc ??= await freePort();
    this.child = spawn(BINARY, ['serve', `--store.directory=${this.state}`, `--http.listen=127.0.0.1:${this.http}`,
      `--admin.listen=127.0.0.1:${this.port}`, `--rtc.port=${this.rtc}`, '--rtc.workers=1', ...more],
      {stdio: ['ignore', 'ignore', 'pipe']});
    running.add(this.child);
    this.err = '';
    this.child.stderr.on('data', d => { this.err += d; });
    this.ended = new Promise(resolve => this.child.on('close', code => {
      running.delete(this.child);
      resolve(code);
    }));
    await until('ready', async () => ({ok: (await this.get('/health/ready').catch(() => null))?.status === 200}));
  }
  async kill(signal = 'SIGKILL') {
    this.child.kill(signal);
    return this.ended;
  }
  get(where) { return fetch(`http://127.0.0.1:${this.port}${where}`); }
  ask(method, where, body, headers = {}) {
    return fetch(`http://127.0.0.1:${this.port}${where}`, {method, body: body && JSON.stringify(body),
      headers: {...body && {'content-type': 'application/json'}, ...headers}});
  }
  async publish(room, token, way = 'whip') {
    return fetch(`http://127.0.0.1:${this.http}/${way}/${room}`, {method: 'POST', body: OFFER,
      headers: {'content-type': 'application/sdp', authorization: `Bearer ${token}`}});
  }
}

export default async function ({test}) {
  await test('what the OpenAPI file says is what the server does', async () => {
    const s = new Server('openapi');
    await s.start(['--log.level=warn']);
    const st = spawn(process.env.SCHEMATHESIS, ['--config-file', path.join(TOP, 'tests/roomapi/schemathesis.toml'), 'run',
      path.join(TOP, 'docs/rooms.openapi.yaml'), '--url', `http://127.0.0.1:${s.port}`, '--max-examples', '30', '--seed', '1'],
      {cwd: dir});
    let said = '';
    for (const out of [st.stdout, st.stderr]) out.on('data', d => { said += d; });
    const code = await new Promise(r => st.on('close', r));
    assert.equal(code, 0, said);
    assert.match(said, /Tested: 26/);
    assert.equal((await s.get('/health/live')).status, 200);
    s.child.kill();
    await s.kill();
    assert.doesNotMatch(s.err, /ERROR|Sanitizer/);
  });

  await test('webhooks come signed and in order, past a back end that fails, is slow, or is away', async () => {
    const s = new Server('webhooks'), b = new BackEnd();
    await b.start();
    await s.start([`--webhooks.urls=http://127.0.0.1:${b.port}/`, `--webhooks.secret=${SECRET}`, '--webhooks.timeout=1s']);
    await b.until('server_started');
    const make = async room => assert.equal((await s.ask('POST', '/v1/rooms', {room})).status, 201);
    await make('a');
    b.answer = 500;
    await make('b');
    b.answer = 0;
    await make('c');
    await b.stop();
    await make('d');
    b.answer = 204;
    await b.start();
    await b.until('room_opened a', 'room_opened b', 'room_opened c', 'room_opened d');
    assert.deepEqual(b.types(), ['server_started', ...'abcd'.split('').map(r => `room_opened ${r}`)]);
    assert.equal(b.wrong, 0);
    const numbers = await until('all to be counted', async () => {
      const value = await (await s.get('/metrics')).text();
      return {value, ok: value.includes('sluice_webhook_events_total{webhook="0"} 5\n')};
    });
    assert.match(numbers, /sluice_webhook_events_given_up_total\{webhook="0",reason="full"\} 0/);
    await s.kill();
    await b.stop();
  });

  await test('what was to be told outlives the server, however it ends', async () => {
    const s = new Server('restart'), b = new BackEnd();
    await b.start();
    const words = [`--webhooks.urls=http://127.0.0.1:${b.port}/`, `--webhooks.secret=${SECRET}`];
    await b.stop();
    await s.start(words);
    for (const room of ['a', 'b', 'c']) assert.equal((await s.ask('POST', '/v1/rooms', {room})).status, 201);
    // Told to nobody yet; on the disk a little later: first in the file, and in the store when the next change is in it.
    await until('stored', async () => ({ok: fs.readFileSync(path.join(s.state, 'data.mdb')).includes('"room":"c"')}));
    const {token} = await (await s.ask('POST', '/v1/tokens', {room: 'c', may: ['watch'], seconds: 60})).json();
    assert.equal((await s.ask('POST', '/v1/revocations', {token})).status, 200);
    await s.kill('SIGKILL');
    await s.start(words);
    await s.ask('DELETE', '/v1/rooms/default/none');
    assert.equal((await s.ask('POST', '/v1/rooms', {room: 'd'})).status, 201);
    s.child.kill('SIGTERM');
    await s.ended;
    await b.start();
    await s.start(words);
    await b.until('room_closed d');
    await until('the third start', () => ({ok: b.types().filter(t => t === 'server_started').length === 3}));
    assert.deepEqual(b.types(), ['server_started', 'room_opened a', 'room_opened b', 'room_opened c', 'server_started',
      'room_opened d', 'room_closed d', 'server_started']);
    await s.kill();
    await b.stop();
  });

  await test('a revoked token begins nothing, ends what it began, and stays so', async () => {
    const s = new Server('revoked');
    await s.start();
    const mint = async () => (await s.ask('POST', '/v1/tokens', {room: 'r', may: ['publish'], seconds: 600})).json();
    const bad = await mint(), good = await mint();
    const one = await s.publish('r', bad.token), other = await s.publish('r/other', good.token);
    assert.deepEqual([one.status, other.status], [201, 201]);
    assert.equal((await s.publish('x', bad.token)).status, 403);
    const gone = await (await s.ask('POST', '/v1/revocations', {token: bad.token})).json();
    assert.deepEqual(gone, {jti: bad.jti, ended: 1});
    const at = where => fetch(`http://127.0.0.1:${s.http}${where}`, {method: 'DELETE'});
    assert.equal((await at(one.headers.get('location'))).status, 404);
    assert.equal((await at(other.headers.get('location'))).status, 200);
    assert.equal((await s.publish('r', bad.token)).status, 401);
    await s.kill('SIGKILL');
    await s.start();
    assert.equal((await s.publish('r', bad.token)).status, 401);
    assert.equal((await s.publish('r', good.token)).status, 201);
    await s.kill();
  });

  await test('where hosts alone make rooms others wait for one, or for a back end', async () => {
    const s = new Server('hosts');
    await s.start(['--rooms.hosts_create=true']);
    const mint = async (...may) => (await (await s.ask('POST', '/v1/tokens', {room: '*', may, seconds: 600})).json()).token;
    const any = await mint('publish', 'watch'), host = await mint('admin');
    const refused = async (room, way) => {
      const r = await s.publish(room, any, way);
      assert.deepEqual([r.status, (await r.json()).code], [403, 'no-room'], way);
    };
    await refused('a', 'whip');
    await refused('a', 'whep');
    assert.equal((await s.publish('a', host)).status, 201);
    assert.equal((await s.publish('a/other', any)).status, 201);
    assert.equal((await s.ask('POST', '/v1/rooms', {room: 'b'})).status, 201);
    assert.equal((await s.publish('b', any)).status, 201);
    assert.match(await (await s.get('/metrics')).text(), /^sluice_requests_refused_total\{problem="forbidden"\} 2$/m);
    await s.kill();
  });

  await test('with a secret nobody comes without it, and the public face has none of it', async () => {
    const s = new Server('secret');
    await s.start(['--rooms.api_secret=s3cret']);
    assert.equal((await s.ask('GET', '/v1/rooms')).status, 401);
    assert.equal((await s.ask('GET', '/v1/rooms', undefined, {authorization: 'Bearer s3cret'})).status, 200);
    const made = await s.ask('POST', '/room/create', undefined, {authorization: 'Bearer s3cret'});
    const {roomID, ...rest} = await made.json();
    assert.match(roomID, /^[0-9a-f-]{36}$/);
    assert.deepEqual(rest, {occupancyCount: 0, occupants: {}});
    assert.equal((await fetch(`http://127.0.0.1:${s.http}/v1/rooms`)).status, 404);
    await s.kill();
  });
}
