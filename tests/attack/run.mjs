// usage: node run.mjs [SUITE...]
//
// Each suite attacks one server, beside which a publisher and a viewer go about their
// business.

import {done, skip, test} from '../browser/harness.mjs';
import {LEAN, startServer} from '../browser/server.mjs';
import {innocents} from './rig.mjs';

const SUITES = ['datagrams', 'stun', 'dtls', 'srtp', 'sdp', 'http', 'token', 'flood', 'streams', 'addresses', 'nat', 'vanish'];

process.env.ASAN_OPTIONS ??= LEAN;

const named = process.argv.slice(2);
for (const name of named) if (!SUITES.includes(name)) throw new Error(`no suite ${name}; there are ${SUITES.join(' ')}`);
const wanted = named.length ? named : SUITES;

const server = await startServer({name: 'attack', options: ['--limits.handshakes=400']});
const beside = await innocents(server, 'beside');
const run = async name => {
  const {default: suite} = await import(`./${name}.mjs`);
  try {
    await suite({server, beside, test, skip});
  } catch (error) {
    await test(`${name} could not be run`, () => { throw error; });
  }
};
const waiting = wanted.includes('vanish') && run('vanish'); // for the most part it waits
for (const name of wanted) if (name !== 'vanish') await run(name);
await waiting;
await test('the stream beside all this lost nothing', () => beside.unharmed());
await beside.leave();
await test('the server ends when told, without a complaint', () => server.stop());
process.exit(done());
