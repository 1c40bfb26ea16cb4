// usage: nat_peer.mjs ADDRESS STUN-PORT
//
// The world: a STUN server, and a peer that sends checks from several sockets when it is told to.
// Speaks lines of JSON.

import dgram from 'node:dgram';
import {createInterface} from 'node:readline';
import {attribute, check, fingerprint, message, SUCCESS, typeOf} from './stunmsg.mjs';

const XOR_MAPPED = 0x0020, ROUNDS = 6, PAUSE = 200;
const [address, port] = process.argv.slice(2);
const asked = [];
const bound = async (at, on) => {
  const s = dgram.createSocket('udp4').on('message', on);
  await new Promise(r => s.bind(at, address, r));
  return s;
};

const stun = await bound(Number(port), (d, from) => {
  asked.push(`${from.address}:${from.port}`);
  const value = Buffer.from([0, 1, 0, 0, ...from.address.split('.').map(Number)]);
  value.writeUInt16BE(from.port ^ 0x2112, 2);
  value.writeUInt32BE((value.readUInt32BE(4) ^ 0x2112a442) >>> 0, 4);
  stun.send(message(SUCCESS, [attribute(XOR_MAPPED, value), fingerprint], d.subarray(8, 20)), from.port, from.address);
});
console.log('{}');

for await (const line of createInterface({input: process.stdin})) {
  const {ufrag, pwd, to, port: at, from} = JSON.parse(line);
  const answers = from.map(() => 0);
  const sockets = await Promise.all(from.map((p, i) => bound(p, d => answers[i] += typeOf(d) === SUCCESS)));
  for (let round = 0; round < ROUNDS; round++) {
    for (const s of sockets) s.send(check({ufrag, pwd}), at, to);
    await new Promise(r => setTimeout(r, PAUSE));
  }
  sockets.forEach(s => s.close());
  console.log(JSON.stringify({asked, answers}));
}
process.exit(0);
