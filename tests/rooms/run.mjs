// usage: node run.mjs [SUITE...]
//
// Rooms over their WebSocket, with scripts in the place of browsers: what is said and answered, and
// what is not meant well. A publisher and a viewer of HTTP are in a room beside all of it.

import assert from 'node:assert/strict';
import {done, test} from '../browser/harness.mjs';
import {LEAN, startServer} from '../browser/server.mjs';
import {innocents} from '../attack/rig.mjs';
import {CONNECTIONS} from './half.mjs';
import {BY_BROWSERS, complaints, differences, unseen} from './schema.mjs';

const SUITES = ['protocol', 'hostile', 'half'];
const named = process.argv.slice(2);
for (const name of named) if (!SUITES.includes(name)) throw new Error(`no suite ${name}; there are ${SUITES.join(' ')}`);

process.env.ASAN_OPTIONS ??= LEAN;

const server = await startServer({name: 'rooms', options: ['--limits.sessions_per_address=0', `--limits.connections=${CONNECTIONS}`]});
const beside = await innocents(server, 'beside');
for (const name of named.length ? named : SUITES) {
  const {default: suite} = await import(`./${name}.mjs`);
  try {
    await suite({server, beside, test});
  } catch (error) {
    await test(`${name} could not be run`, () => { throw error; });
  }
}
await test('the schema that is published is an AsyncAPI document', () => assert.equal(complaints(), ''));
await test('all that was said is as published', () => {
  assert.deepEqual(differences(), []);
  if (!named.length) assert.deepEqual(unseen().filter(name => !BY_BROWSERS.includes(name)), []);
});
await test('the stream beside all this lost nothing', () => beside.unharmed());
await beside.leave();
await test('the server ends when told, without a complaint', () => server.stop());
process.exit(done());
