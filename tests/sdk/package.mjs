// The package as npm makes it, and its types as a strict compiler reads them.

import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

const SDK = fileURLToPath(new URL('../../sdk/js/', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));

// What the compiler has against a program.
function compiled(cwd, program) {
  fs.writeFileSync(path.join(cwd, 'program.ts'), program);
  try {
    execFileSync('tsc', ['--noEmit', '--strict', '--target', 'es2022', '--module', 'es2022', '--moduleResolution', 'node',
      '--lib', 'es2022,dom', 'program.ts'], {cwd, stdio: 'pipe'});
    return '';
  } catch (error) {
    return error.stdout?.toString() || error.message;
  }
}

export default async function ({test}) {
  const into = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-sdk-'));
  await test('npm packs it, with every module and nothing else', () => {
    const [{filename, files}] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', into], {cwd: SDK, stdio: ['ignore', 'pipe', 'ignore']}));
    const src = fs.readdirSync(path.join(SDK, 'src'), {recursive: true}).filter(f => /\.(js|ts)$/.test(f)).map(f => `src/${f}`);
    assert.deepEqual(files.map(f => f.path).sort(), ['README.md', 'package.json', ...src].sort());
    const module = path.join(into, 'node_modules/@sluice/rooms');
    fs.mkdirSync(module, {recursive: true});
    execFileSync('tar', ['-xf', path.join(into, filename.replace('/', '-').replace('@', '')), '--strip-components=1', '-C', module]);
  });
  await test('what is unpacked is imported by its name, outside of a browser too', () => {
    const names = execFileSync('node', ['--input-type=module', '-e',
      "const m = await import('@sluice/rooms'); console.log(Object.keys(m).sort().join(' '))"], {cwd: into}).toString().trim();
    assert.equal(names, 'DeviceError Encryption LocalTrack Peer RemoteTrack Room RoomError connect devices');
  });
  await test('its types hold for a program that uses all of it, and refuse one that is wrong', () => {
    const usage = fs.readFileSync(path.join(HERE, 'usage.ts'), 'utf8');
    assert.equal(compiled(into, usage), '');
    assert.match(compiled(into, usage.replace("how: 'simulcast'", "how: 'semaphore'")), /semaphore/);
  });
  await test('what the types say is there, is there', async () => {
    const types = fs.readFileSync(path.join(SDK, 'src/index.d.ts'), 'utf8');
    const made = await import('../../sdk/js/src/index.js');
    const declared = [...types.matchAll(/^export (?:declare )?(?:class|function|namespace) (\w+)/gm)].map(m => m[1]);
    assert.deepEqual(declared.sort(), Object.keys(made).sort());
    for (const [, name, body] of types.matchAll(/^export class (\w+) [^{]*\{\n([\s\S]*?)^\}/gm)) {
      const source = fs.readdirSync(path.join(SDK, 'src'), {recursive: true}).filter(f => f.endsWith('.js'))
        .map(f => fs.readFileSync(path.join(SDK, 'src', f), 'utf8')).find(t => t.includes(`export class ${name} `));
      for (const [, member] of body.matchAll(/^  (?:static )?(?:readonly )?(\w+)[(?:<]/gm))
        assert.match(source, new RegExp(`\\b${member}\\b`), `${name}.${member}`);
    }
  });
  fs.rmSync(into, {recursive: true});
}
