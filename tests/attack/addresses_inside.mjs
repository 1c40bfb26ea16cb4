// usage: addresses_inside.mjs CLIENT-NAMESPACE ADDRESS...
//
// Runs in the server's namespace: a publisher here, and for each address a viewer in the other
// namespace that uses it. Says as JSON what the answers offered and what each viewer saw.

import {startServer} from '../browser/server.mjs';
import {attend, join, participant, sleep} from './rig.mjs';

const [client, ...addresses] = process.argv.slice(2);
const server = await startServer({name: 'attack-addresses'});
const publisher = await attend(server, 'whip', 'many');
const seen = {};
let candidates;
for (const address of addresses) {
  const p = await participant('whep', {under: ['ip', 'netns', 'exec', client]});
  const session = await join(server, 'whep', 'many', {print: p.print});
  candidates = [...session.sdp.matchAll(/^a=candidate:\S+ 1 udp \d+ (\S+) /gm)].map(m => m[1]);
  p.connect(session, address, server.rtc);
  await p.up();
  await sleep(600);
  seen[address] = await p.look();
  await p.leave();
}
await publisher.leave();
await server.stop();
console.log(JSON.stringify({candidates, seen}));
process.exit(0);
