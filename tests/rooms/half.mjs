// Ten thousand sessions that are only half there: who never joins, and who joins, offers and vanishes.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import {Client, offer} from './client.mjs';
import {minter} from './tokens.mjs';
import {attack} from '../attack/rig.mjs';
import {until} from '../browser/until.mjs';

const HALF = 10_000;
export const CONNECTIONS = HALF + 500; // so that it is the room WebSocket that refuses
const MUTE = HALF * 4 / 5, CUT = HALF - MUTE;
const OF_ADDRESS = 200, ROOM = 4;
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
      let late = 0, full = 0;
      for (let left = HALF, n; left > 0; left -= n) {
        n = Math.min(left, WAVE);
        const vanish = await crowd(n * CUT / HALF, 20, cut), waiting = await crowd(n * MUTE / HALF, 21, mute);
        for (const r of vanish.refused) throw r;
        for (const r of waiting.refused) assert.equal(r.status, 503, r.message);
        full += waiting.refused.length;
        late += waiting.there.length;
        const at = Date.now();
        assert.equal((await c.ask('ping')).type, 'pong');
        said.push(`all had come after ${at - begun} ms, and somebody else was answered in ${Date.now() - at}`);
        vanish.there.forEach(v => v.socket.terminate());
        for (const w of waiting.there) assert.equal((await w.closed).code, 4004);
        await (await Client.join(server, 'half', {token})).leave();
      }
      await until('all to be counted', async () => {
        const value = (await counted()).map((n, i) => n - before[i]);
        // Who was refused in a suite before, and left his socket open, may be one more.
        return {value, ok: value[0] >= late && value[1] === full && value[2] === CUT};
      }, 40000);
      said.push(`${late} were waited for in vain, ${full} refused`);
    });
    assert.equal((await c.ask('ping')).type, 'pong');
    await c.leave();
    return [...said, memory].join('; ');
  };

  await test(`of ${HALF} half-joined sessions each is refused, or ends, and is counted; who is there notices nothing`, () => round(64));
  await test('of as many again nothing is left', () => round(12)); // what a process takes once, the first have taken
}
