// usage: node run.mjs [PART...]
//
// The browser SDK without a server: its arithmetic in node, its package and types as others get
// them, and in real browsers what only those can tell. tests/rooms has it at work.

import {done, skip, test} from '../browser/harness.mjs';
import {launch} from '../browser/rig.mjs';

globalThis.crypto ??= (await import('node:crypto')).webcrypto;

const PARTS = ['arithmetic', 'frames', 'data', 'sending', 'joining', 'layout', 'package', 'browsers'];
const started = new Map();
const browsers = kind => {
  if (!started.has(kind)) started.set(kind, launch(kind));
  return started.get(kind);
};

const named = process.argv.slice(2);
for (const name of named.length ? named : PARTS) {
  const {default: part} = await import(`./${name}.mjs`);
  try {
    await part({test, skip, browsers});
  } catch (error) {
    await test(`${name} could not be run`, () => { throw error; });
  }
}
for (const browser of started.values()) await (await browser).close();
process.exit(done());
