// usage: node run.mjs [SUITE...]
//
// The room API and webhooks, as a back end has them, against the real server.

import {done, test} from '../browser/harness.mjs';

const SUITES = ['alone', 'live', 'limits'];
const named = process.argv.slice(2);
for (const name of named) if (!SUITES.includes(name)) throw new Error(`no suite ${name}; there are ${SUITES.join(' ')}`);

for (const name of named.length ? named : SUITES) {
  const {default: suite} = await import(`./${name}.mjs`);
  try {
    await suite({test});
  } catch (error) {
    await test(`${name} could not be run`, () => { throw error; });
  }
}
process.exit(done());
