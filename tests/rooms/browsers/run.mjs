// usage: node run.mjs [SUITE...]
//
// Rooms by the browser SDK, against the real server: real Chromium and Firefox, who is seen by
// colours and stamps, who is heard by tones. As in tests/browser, whose rig this is.

import assert from 'node:assert/strict';
import {done, skip, test} from '../../browser/harness.mjs';
import {launch} from '../../browser/rig.mjs';
import {startServer} from '../../browser/server.mjs';
import {BY_BROWSERS, differences, unseen} from '../schema.mjs';
import {reviewAll} from './people.mjs';

const SUITES = ['pair', 'single', 'crowd', 'host', 'comeback', 'network', 'layers', 'narrow', 'data', 'sealed', 'mixed', 'pass', 'churn', 'speakers', 'loudest', 'page', 'unusual'];

const started = new Map();
const once = (key, start) => {
  if (!started.has(key)) started.set(key, start());
  return started.get(key);
};
const browsers = kind => once(kind, () => launch(kind));
// One that asks for no tokens, and one that does.
const server = () => once('open', () => startServer({name: 'rooms-open', options: ['--auth.required=false']}));
const guarded = () => once('guarded', () => startServer({name: 'rooms'}));

const named = process.argv.slice(2);
for (const name of named.length ? named : SUITES) {
  const {default: suite} = await import(`./${name}.mjs`);
  try {
    await suite({server, guarded, browsers, test, skip});
  } catch (error) {
    await test(`${name} could not be run`, () => { throw error; });
  }
}
await test('all that the SDK said and heard is as published', async () => {
  await reviewAll();
  assert.deepEqual(differences(), []);
  if (!named.length) assert.deepEqual(unseen().filter(name => BY_BROWSERS.includes(name)), []);
});
for (const kind of ['chromium', 'firefox']) await (await started.get(kind))?.close();
for (const kind of ['open', 'guarded']) if (started.has(kind))
  await test(`the server (${kind}) ends when told, without a complaint`, async () => (await started.get(kind)).stop());
process.exit(done());
