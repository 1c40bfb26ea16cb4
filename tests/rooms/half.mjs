// Ten thousand sessions that are only half there: who never joins, and who joins, offers and vanishes. Whoever means
// it well comes in all the while.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import {Client, offer} from './client.mjs';
import {minter} from './tokens.mjs';
import {attack} from '../attack/rig.mjs';
import {startServer} from '../browser/server.mjs';
import {until} from '../browser/until.mjs';

const HALF = 10_000;
export const CONNECTIONS = HALF + 500; // so that it is the room WebSocket that refuses
const MUTE = HALF * 4 / 5, CUT = HALF - MUTE;
const OF_ADDRESS = 200, ROOM = 4;
const MOST_WAIT = 4096; // of whom others do not make a place: ROOMS_WAITING_MAX
// Where a process may not have so many files, they come in waves.
const FILES = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'))[1]);
const WAVE = Math.min(HALF, Math.floor((FILES - 300) / 10) * 10);

// make(from, i) so many times, from as many addresses as they need: what was made, and why the others were not.
async function crowd(n, net, make) {
  const all = await Promise.allSettled(Array.from({length: n}, (_, i) =>
    make(`127.${net}.0.${Math.floor(i / OF_ADDRESS) + 1}`, i)));
  return {there: all.filter(a => a.status === 'fulfilled').map(a => a.value),
    refused: all.filter(a => a.status === 'rejected').map(a => a.reason)};
}

export default async function ({server, beside, test}) {
  const mint = await minter(server), token = mint({room: '*'});
  const mute = from => Client.open(server, 'half', {from});
  const cut = async (from, i) => {
    const c = await Client.join(server, `half-${Math.floor(i / ROOM)}`, {token}, {from});
    assert.equal((await c.ask('offer', {sdp: offer(['audio', 'video'])})).type, 'answer');
    return c;
  };
  const COUNTED = [['sluice_room_sockets_timed_out_total'], ['sluice_requests_refused_total', {problem: 'full'}], ['sluice_room_lost_total']];
  const counted = () => Promise.all(COUNTED.map(([metric, labels]) => server.count(metric, labels)));

  // tolerance: MiB, of what the process has grown by when all is over.
  const round = async tolerance => {
    const said = [], begun = Date.now(), before = await counted();
    const c = await Client.join(server, 'half', {token});
    const memory = await attack({server, beside}, {tolerance, settle: 20000}, async () => {
      let late = 0;
      for (let left = HALF, n; left > 0; left -= n) {
        n = Math.min(left, WAVE);
        const vanish = await crowd(n * CUT / HALF, 20, cut), waiting = await crowd(n * MUTE / HALF, 21, mute);
        for (const r of [...vanish.refused, ...waiting.refused]) throw r;
        late += waiting.there.length;
        const at = Date.now();
        const newcomer = await Client.join(server, 'half', {token}); // while as many wait as there may be
        assert.equal(newcomer.joined.type, 'joined');
        assert.equal((await c.ask('ping')).type, 'pong');
        const still = waiting.there.filter(w => w.socket.readyState === w.socket.OPEN).length;
        assert.ok(still >= Math.min(waiting.there.length, MOST_WAIT) / 2, `${still} were waiting`);
        await newcomer.leave();
        said.push(`all had come after ${at - begun} ms, and while ${still} waited somebody came and left in ${Date.now() - at}`);
        vanish.there.forEach(v => v.socket.terminate());
        for (const w of waiting.there) assert.equal((await w.closed).code, 4004);
      }
      await until('all to be counted', async () => {
        const value = (await counted()).map((n, i) => n - before[i]);
        // Who was refused in a suite before, and left his socket open, may be one more.
        return {value, ok: value[0] >= late && value[1] === 0 && value[2] === CUT};
      }, 40000);
      said.push(`${late} were waited for in vain`);
    });
    assert.equal((await c.ask('ping')).type, 'pong');
    await c.leave();
    return [...said, memory].join('; ');
  };

  await test('who waits in vain has all connections that there may be, and others still come in', async () => {
    const most = 1000;
    const other = await startServer({name: 'rooms-half', options: [`--limits.connections=${most}`]});
    const mine = (await minter(other))({room: 'r'});
    const first = await Client.join(other, 'r', {token: mine});
    const all = await crowd(most + 200, 22, from => Client.open(other, 'r', {from}));
    assert.ok(all.there.length >= most - 1, `${all.there.length} were there`);
    const newcomers = await Promise.all(Array.from({length: 20}, () => Client.join(other, 'r', {token: mine})));
    for (const c of [first, ...newcomers]) assert.equal((await c.ask('ping')).type, 'pong');
    assert.ok(await other.count('sluice_http_closed_total', {face: 'public', reason: 'evicted'}) >= newcomers.length);
    assert.equal(await other.count('sluice_http_refused_total', {face: 'public', reason: 'full'}), 0);
    for (const w of all.there) w.socket.terminate();
    await other.stop();
  });
  await test(`of ${HALF} half-joined sessions each is refused, or ends, and is counted; who is there notices nothing`, () => round(64));
  await test('of as many again nothing is left', () => round(12)); // what a process takes once, the first have taken
}
