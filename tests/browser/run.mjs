// usage: node run.mjs [SUITE...]
//
// Each suite is a file that exports a function; it is given the server and the browsers, which
// are started when first asked for and shared by all suites.

import {done, skip, test} from './harness.mjs';
import {launch} from './rig.mjs';
import {startServer} from './server.mjs';

const SUITES = ['client', 'selftest', 'pairs', 'rooms', 'trickle', 'restart', 'leave', 'viewers',
  'codecs', 'simulcast', 'layers', 'watched', 'sound', 'limited', 'ramp', 'tcp', 'workers', 'page', 'comeback', 'calls'];

const started = new Map();
const once = (key, start) => {
  if (!started.has(key)) started.set(key, start());
  return started.get(key);
};
const browsers = kind => once(kind, async () => {
  const b = await launch(kind);
  console.log(`     ${b.version}`);
  return b;
});
const server = () => once('server', () => startServer({name: 'browser'}));

const named = process.argv.slice(2);
for (const name of named) if (!SUITES.includes(name)) throw new Error(`no suite ${name}; there are ${SUITES.join(' ')}`);
const last = []; // what goes on beside the others
for (const name of named.length ? named : SUITES) {
  const {default: suite} = await import(`./${name}.mjs`);
  try {
    const rest = await suite({server, browsers, test, skip});
    if (rest) last.push(rest);
  } catch (error) {
    await test(`${name} could not be run`, () => { throw error; });
  }
}
for (const rest of last) await rest();
for (const kind of ['chromium', 'firefox']) await (await started.get(kind))?.close();
if (started.has('server')) await test('the server ends when told, without a complaint', async () => (await server()).stop());
process.exit(done());
