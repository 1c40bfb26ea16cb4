// A server with several addresses answers from the one that was asked, of both families. The
// two live in network namespaces of their own, joined by a cable; this needs root.

import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';

const SERVER = `sluice-s-${process.pid}`, CLIENT = `sluice-c-${process.pid}`;
const ASKED = ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'];
const ip = (...words) => execFileSync('ip', words, {stdio: ['ignore', 'ignore', 'pipe']});

function lay() {
  ip('netns', 'add', SERVER);
  ip('netns', 'add', CLIENT);
  ip('-n', SERVER, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', CLIENT);
  for (const [ns, addresses] of [[SERVER, ['192.0.2.1/24', '192.0.2.2/24', '2001:db8::1/64', '2001:db8::2/64']],
    [CLIENT, ['192.0.2.9/24', '2001:db8::9/64']]]) {
    for (const a of addresses) ip('-n', ns, 'address', 'add', a, 'dev', 'cable', ...(a.includes(':') ? ['nodad'] : []));
    for (const link of ['lo', 'cable']) ip('-n', ns, 'link', 'set', link, 'up');
  }
}

const clear = () => [SERVER, CLIENT].forEach(ns => {
  try {
    ip('netns', 'delete', ns);
  } catch { /* it was not made */ }
});

// Both sides are driven from inside the server's namespace, where its ports can be reached.
const inside = () => new Promise((resolve, reject) => {
  const child = spawn('ip', ['netns', 'exec', SERVER, process.execPath,
    fileURLToPath(new URL('addresses_inside.mjs', import.meta.url)), CLIENT, ...ASKED], {stdio: ['ignore', 'pipe', 'inherit']});
  let text = '';
  child.stdout.on('data', d => text += d);
  child.on('error', reject).on('exit', code =>
    code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`exit status ${code}: ${text}`)));
});

export default async function ({test, skip}) {
  if (process.getuid() !== 0) return skip('answers come from the address that was asked', 'namespaces need root');
  process.on('exit', clear);
  try {
    lay();
  } catch (error) {
    clear();
    return skip('answers come from the address that was asked', `no namespaces here: ${error.message.split('\n').pop()}`);
  }
  await test('answers come from the address that was asked, IPv4 and IPv6', async () => {
    const {candidates, seen} = await inside();
    for (const a of ASKED) {
      assert.ok(candidates.includes(a), `${a} is not among the candidates: ${candidates}`);
      assert.ok(seen[a]?.packets > 20 && seen[a].lost === 0 && seen[a].bad === 0, `${a}: ${JSON.stringify(seen[a])}`);
      assert.equal(seen[a].strangers, 0, `asked ${a}, and others answered`);
    }
  });
  clear();
}
