// usage: nat_inside.mjs CLIENT-NAMESPACE INSIDE OUTSIDE PEER
//
// Runs in the server's namespace, behind the NAT; nat_peer.mjs runs in the world. Says as JSON what
// the STUN server saw, what the answer offered, and how many checks from each of the peer's sockets
// were answered.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {startServer} from '../browser/server.mjs';
import {offer, request, tokenFor} from './rig.mjs';

const STUN = 3478, [ANNOUNCED, LATER] = [5001, 5002];
const [client, inside, outside, peer] = process.argv.slice(2);
const child = spawn('ip', ['netns', 'exec', client, process.execPath,
  fileURLToPath(new URL('nat_peer.mjs', import.meta.url)), peer, STUN], {stdio: ['pipe', 'pipe', 'inherit']});
const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
const say = async o => {
  if (o) child.stdin.write(JSON.stringify(o) + '\n');
  return JSON.parse((await lines.next()).value);
};
await say(); // it listens

const server = await startServer({name: 'nat', options: [`--rtc.listen=${inside},127.0.0.1`,
  `--rtc.ice_servers=stun:${peer}:${STUN}`]});
const candidate = port => `a=candidate:1 1 udp 2130706431 ${peer} ${port} typ host`;
const token = await tokenFor(server);
const res = await request(server, 'POST', '/whip/nat/s', {token,
  body: offer({change: o => [...o, candidate(ANNOUNCED)]})});
assert.equal(res.status, 201, res.text);
const one = name => new RegExp(`^a=${name}:(.*)$`, 'm').exec(res.text)[1].trim();
const patched = await request(server, 'PATCH', res.headers.location, {token,
  headers: {'content-type': 'application/trickle-ice-sdpfrag', 'if-match': res.headers.etag},
  body: ['a=ice-ufrag:them', 'a=ice-pwd:thempasswordthempassword', 'm=audio 9 RTP/AVP 0', 'a=mid:0',
    candidate(LATER), ''].join('\r\n')});
assert.equal(patched.status, 204, patched.text);
const seen = await say({ufrag: one('ice-ufrag'), pwd: one('ice-pwd'), to: outside, port: server.rtc,
  from: [ANNOUNCED, LATER, 5003]});
await request(server, 'DELETE', res.headers.location, {token});
await server.stop();
child.stdin.end();
console.log(JSON.stringify({port: server.rtc, asked: seen.asked, announced: seen.answers[0], fragment: seen.answers[1],
  other: seen.answers[2],
  candidates: [...res.text.matchAll(/^a=candidate:\S+ 1 (\S+) \d+ (\S+) (\d+) /gm)].map(m => m.slice(1).join(' '))}));
process.exit(0);
