// usage: node run.mjs [SUITE...]
//
// Rooms for back ends that talk through Redis, with a real Redis server, real transports and, for the
// example, real browsers.

import fs from 'node:fs';
import {done, test} from '../browser/harness.mjs';
import {startServer} from '../browser/server.mjs';
import {until} from '../browser/until.mjs';
import {Backend, Redis} from './rig.mjs';

const SUITES = ['joining', 'five', 'passes', 'outages', 'hostile', 'example'];
const named = process.argv.slice(2);
for (const name of named) if (!SUITES.includes(name)) throw new Error(`no suite ${name}; there are ${SUITES.join(' ')}`);

const redis = await new Redis().start(), backend = await new Backend().start(redis);
// By the user that the documentation makes, who may do no more than it says.
const docs = fs.readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');
await backend.redis.sendCommand(/^ACL SETUSER .*$/m.exec(docs)[0].replace('PASSWORD', 'secret').split(' '));
const server = await startServer({name: 'redis', options: [`--redis.address=127.0.0.1:${redis.port}`,
  '--redis.username=sluice', '--redis.password=secret', '--limits.sessions_per_address=0']});
await until('a connection', async () => ({ok: await server.count('sluice_redis_connected') === 1}));
const last = []; // what has to wait
for (const name of named.length ? named : SUITES) {
  const {default: suite} = await import(`./${name}.mjs`);
  try {
    const rest = await suite({server, redis, backend, test});
    if (rest) last.push(rest);
  } catch (error) {
    await test(`${name} could not be run`, () => { throw error; });
  }
}
for (const rest of last) await rest();
await test('the server ends when told, without a complaint', () => server.stop());
backend.stop();
await redis.kill();
process.exit(done());
