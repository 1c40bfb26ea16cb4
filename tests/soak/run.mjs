// usage: node run.mjs [MINUTES]
//
// One server for as long as that, and clients that come and go. They lose packets on their way both
// ways, ask for them again and send again, restart ICE, leave, and vanish without a word. It is told
// round by round whether everybody hears everybody, and whether what they left behind is gone:
// counters of what there is must be where they were, and the heap may not grow.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import {done, test} from '../browser/harness.mjs';
import {LEAN, startServer} from '../browser/server.mjs';
import {sleep, until} from '../browser/until.mjs';
import {attend, Crowd, meet} from './clients.mjs';

const MINUTES = Number(process.argv[2] ?? 5);
const WORKERS = 2, ROOMS = ['street', 'market'], PUBLISHERS = 2, VIEWERS = 3, MEMBERS = 4, STEPS = 30;
const PAUSE = 200; // between two steps
const WAIT = 60000; // bounds a failure only
const WARM = 2; // rounds after which the heap is looked at: what the process takes once is taken
const ROUNDS = WARM + 2; // at least, however slow the machine is
const GROWTH = 8; // KiB that a round may leave behind: a hundredth of what its sessions have at a time

process.env.ASAN_OPTIONS ??= LEAN;

const server = await startServer({name: 'soak', workers: WORKERS, options: ['--auth.required=false', '--limits.sessions_per_address=0']});
const crowd = new Crowd(server);
const GONE = ['rooms', 'publishers', 'viewers', 'members', 'transports', 'expected_transports', 'producers', 'consumers',
  'dtls_associations', 'dtls_handshakes_pending', 'room_sessions', 'room_sockets', 'streams', 'estimated_transports',
  'paced_transports'].map(g => [`sluice_${g}`, 0]);
GONE.push(['sluice_packet_buffers_used', WORKERS * 64]); // that a worker has ready for what comes (UDP_BATCH)

// Everybody has all tracks that there are for them, and each goes on.
async function allHear(people, before = new Map()) {
  return until('everybody to hear everybody', async () => {
    const seen = await crowd.look();
    assert.deepEqual(crowd.errors, []);
    const deaf = people.map(p => ({...seen.get(p.seat), hears: p.hears, was: before.get(p.seat)?.heard ?? []})).filter(s => {
      assert.equal(s.failed, null, `seat ${s.seat}: ${s.failed}`);
      assert.equal(s.bad, 0, `seat ${s.seat} got what was not sent`);
      return !s.up || s.heard.length !== s.hears || s.heard.some((n, i) => n <= (s.was[i] ?? 0));
    });
    return {ok: deaf.length === 0, value: deaf.length === 0 ? seen : deaf};
  }, WAIT);
}

// Nothing is left of a round.
async function allGone() {
  return until('nothing to be left', async () => {
    const all = await server.metrics();
    const left = GONE.map(([name, may]) => {
      const series = all.filter(m => m.name === name);
      assert.ok(series.length, `no metric ${name}`);
      return {name, n: series.reduce((n, m) => n + m.value, 0), may};
    }).filter(g => g.n > g.may);
    return {ok: left.length === 0, value: left};
  }, WAIT);
}

const heap = async () => (await server.count('sluice_heap_bytes')) / 1024;
const cpu = pid => {
  const words = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(words[11]) + Number(words[12])) / 100; // in ticks of 10 ms (proc(5))
};

// Who comes in this round; more come and go while it lasts. vanishes: a member does, too, which takes the
// half minute in which it might have come back.
async function round(vanishes) {
  const streets = [], viewers = [];
  for (const room of ROOMS)
    for (let i = 0; i < PUBLISHERS; i++) streets.push(await attend(crowd, 'publishes', room, {stream: `s${i}`}));
  await allHear(streets); // up: a viewer comes to what is live
  const watch = room => attend(crowd, 'watches', room, {tracks: PUBLISHERS});
  for (const room of ROOMS)
    for (let i = 0; i < VIEWERS; i++) viewers.push(await watch(room));
  const members = [], join = () => meet(crowd, 'meeting', (MEMBERS - 1) * 2);
  for (let i = 0; i < MEMBERS; i++) members.push(await join());
  const everybody = () => [...streets, ...viewers, ...members];
  await allHear(everybody());
  let joins = everybody().length, restarts = 0;

  // One leaves in each step, the first without a word, and another comes to the same place.
  for (let step = 0; step < STEPS; step++) {
    const goes = step < 2 ? p => p.vanish() : p => p.leave();
    const v = step % viewers.length;
    await goes(viewers[v]);
    viewers[v] = await watch(ROOMS[Math.floor(v / VIEWERS)]);
    joins++;
    if (step % 3 === 2) {
      const m = step % MEMBERS;
      await members[m].leave(); // who vanishes stays a member for half a minute, and is waited for below
      members[m] = await join();
      joins++;
    }
    for (const p of [streets[step % streets.length], viewers[(v + 1) % viewers.length]]) {
      await allHear([p]); // what is not up yet cannot be restarted
      await p.restart();
      restarts++;
    }
    await sleep(PAUSE);
  }
  const seen = await allHear(everybody(), await crowd.look());
  const sum = what => [...seen.values()].reduce((n, s) => n + s[what], 0);
  if (vanishes) members.pop().vanish();
  for (const p of everybody()) await p.leave();
  await allGone();
  return {joins, restarts, asked: sum('asked'), repaired: sum('repaired'), resent: sum('resent')};
}

const begun = Date.now(), heaps = [], all = {asked: 0, repaired: 0, resent: 0};
for (let n = 1; n <= ROUNDS || Date.now() - begun < MINUTES * 60000; n++)
  await test(`round ${n}: everybody hears everybody, and nothing is left of them`, async () => {
    const r = await round(n % 2 === 0);
    for (const what in all) all[what] += r[what];
    heaps.push(await heap());
    return `${r.joins} joins, ${r.restarts} ICE restarts, ${r.asked} packets asked for, ${r.repaired} repaired, ` +
      `${r.resent} sent again, heap ${heaps.at(-1).toFixed(0)} KiB`;
  });
const seconds = (Date.now() - begun) / 1000;

await test('packets were lost, asked for and sent again, both ways', () => {
  assert.ok(all.asked > 0 && all.repaired > 0 && all.resent > 0, JSON.stringify(all));
});
await test('the heap does not grow', () => {
  const rest = heaps.slice(WARM);
  assert.ok(rest.length >= 2, `only ${heaps.length} rounds were passed`);
  // The line through all rounds: what a single one leaves for the next to use is no growth.
  const x = (rest.length - 1) / 2, y = rest.reduce((a, b) => a + b) / rest.length;
  const slope = rest.reduce((s, h, i) => s + (i - x) * (h - y), 0) / rest.reduce((s, _, i) => s + (i - x) ** 2, 0);
  assert.ok(slope < GROWTH, `${slope.toFixed(1)} KiB a round: ${heaps.map(h => h.toFixed(0)).join(' ')}`);
  return `${slope.toFixed(2)} KiB a round, over ${rest.length}`;
});
await test('no error is in the log', () => {
  const lines = server.log().split('\n').filter(l => /"level":"error"/.test(l));
  assert.deepEqual(lines, []);
  return `the server took ${(100 * cpu(server.pid()) / seconds).toFixed(0)} % of a core, the crowd ` +
    `${(100 * cpu(crowd.pid) / seconds).toFixed(0)} %`;
});
await test('the clients end without a complaint', async () => assert.deepEqual(await crowd.end(), {code: 0, signal: null}));
await test('the server ends when told, without a complaint or a leak', () => server.stop());
process.exit(done());
