// Fifty times in and out, seen each time: nothing is left behind, at the server or in the page that stays.

import assert from 'node:assert/strict';
import {rss} from '../../attack/rig.mjs';
import {until} from '../../browser/rig.mjs';
import {LEAN, startServer} from '../../browser/server.mjs';
import {inPage, pageFor, person} from './people.mjs';

const TIMES = 50, WARM = 25; // the allocator has most of what it takes by then
const GROWTH = 4; // MiB for the others
const HELD = {Nodes: 10, JSEventListeners: 10, MiB: 1}; // in the page that stays, for the same: what is not of the guests
const GAUGES = ['rooms', 'members', 'publishers', 'viewers', 'room_sockets', 'room_sockets_waiting', 'room_sessions', 'transports',
  'expected_transports', 'dtls_associations', 'producers', 'consumers'];

export default async function ({browsers, test}) {
  const s = await startServer({name: 'rooms-churn', options: ['--auth.required=false'], env: {ASAN_OPTIONS: LEAN}});
  const c = await browsers('chromium'), stays = await pageFor(c), comes = await pageFor(c);
  const host = await person(s, stays, {name: 'Host', room: 'churn', color: 'green', fps: 5, width: 160, height: 90});
  const counts = async () => Object.fromEntries(await Promise.all(GAUGES.map(async g => [g, await s.count(`sluice_${g}`)])));
  const pages = async () => ({sections: (await host.does('numbers')).receive?.sections ?? 0, stays: await inPage(stays, 'open'), comes: await inPage(comes, 'open')});
  const devtools = await stays.createCDPSession();
  const held = async () => {
    for (let n = 0; n < 3; n++) await devtools.send('HeapProfiler.collectGarbage');
    const {Nodes, JSEventListeners, JSHeapUsedSize} = await stays.metrics();
    return {Nodes, JSEventListeners, MiB: JSHeapUsedSize / 2 ** 20};
  };
  await test(`one who comes and goes ${TIMES} times leaves nothing behind`, async () => {
    let early, memory, kept;
    const alone = what => until(what, async () => {
      const value = {...await counts(), ...await pages()};
      return {value, ok: early ? Object.keys(early).every(k => value[k] <= early[k]) : value.transports === 2 /* the host's */};
    }, 40000);
    for (let n = 1; n <= TIMES; n++) {
      const guest = await person(s, comes, {name: 'Guest', room: 'churn', color: 'red', fps: 5, width: 160, height: 90});
      await Promise.all([guest.sees(host), host.sees(guest)]);
      await guest.leave();
      if (n === 5) early = await alone('nobody else');
      if (n === WARM) {
        memory = rss(s.pid());
        await host.until('alone', v => v.peers.length === 0);
        kept = await held();
      }
    }
    await host.until('alone', v => v.peers.length === 0);
    const log = await host.log();
    assert.equal(log.filter(e => e.joined === 'Guest').length, TIMES);
    assert.equal(log.filter(e => e.left === 'Guest').length, TIMES);
    await alone('as at the beginning');
    const grown = await until('memory', async () => {
      const value = Math.round(rss(s.pid()) - memory);
      return {value, ok: value <= GROWTH};
    }, 5000);
    const more = await until('what the page holds', async () => {
      const now = await held(), value = Object.fromEntries(Object.keys(HELD).map(k => [k, Math.round((now[k] - kept[k]) * 100) / 100]));
      return {value, ok: Object.keys(HELD).every(k => value[k] <= HELD[k])};
    }, 5000);
    return `${JSON.stringify(early)}; ${Math.round(memory)} MiB, ${grown} more at the end; in the page ${JSON.stringify(kept)}, ${JSON.stringify(more)} more`;
  });
  await test('a page that goes away leaves at once', async () => {
    const page = await pageFor(c);
    await person(s, page, {name: 'Gone', room: 'churn'});
    await host.until('there', v => v.peers.length === 1);
    await page.close({runBeforeUnload: false});
    await host.logged('left', e => e.left === 'Gone');
  });
  assert.deepEqual(await inPage(stays, 'present'), ['Host']);
  await host.leave();
  await stays.close();
  await comes.close();
  await test('the server of churn ends when told, without a complaint', () => s.stop());
}
