// Media over TCP, from those who have none: connections that say nothing, lie about lengths, or
// come in crowds.

import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import net from 'node:net';
import {attack, attend, join, sleep, until} from './rig.mjs';
import {check, SUCCESS, typeOf} from './stunmsg.mjs';

const closed = reason => ['sluice_streams_closed_total', {reason}];
const frame = d => Buffer.concat([Buffer.of(d.length >> 8, d.length & 255), d]);

// A connection to the media port. over: the server has ended it.
async function stream(server, {from = '127.0.0.1'} = {}) {
  const s = net.connect({host: '127.0.0.1', port: server.rtc, localAddress: from});
  const me = {over: false, got: Buffer.alloc(0), send: d => s.write(d), close: () => s.destroy(), socket: s};
  s.on('data', d => me.got = Buffer.concat([me.got, d])).on('error', () => me.over = true).on('close', () => me.over = true);
  await new Promise((resolve, reject) => s.on('connect', resolve).on('error', reject));
  return me;
}

// Between a participant, who speaks datagrams, and the server, who hears a stream.
async function bridge(server) {
  const front = dgram.createSocket('udp4');
  await new Promise(r => front.bind(0, '127.0.0.1', r));
  const s = net.connect({host: '127.0.0.1', port: server.rtc, localAddress: '127.4.0.1'});
  const me = {port: front.address().port, socket: s, over: false, wrong: 0, got: 0, send: d => s.write(frame(d)),
    close: () => {
      s.destroy();
      front.close();
    }};
  let client, rest = Buffer.alloc(0);
  front.on('message', (d, from) => {
    client = from;
    if (!me.over) me.send(d);
  });
  s.on('data', d => {
    rest = Buffer.concat([rest, d]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const one = rest.subarray(2, 2 + rest.readUInt16BE(0));
      me.got++;
      me.wrong += one.length > 1500 || one.length < 20;
      if (client) front.send(one, client.port, client.address);
      rest = rest.subarray(2 + one.length);
    }
  }).on('error', () => me.over = true).on('close', () => me.over = true);
  await new Promise((resolve, reject) => s.on('connect', resolve).on('error', reject));
  return me;
}

// [name, octets]: what ends a connection of a stranger at once.
const ROWS = [
  ['a request of HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
  ['a hello of TLS', Buffer.from('16030100ff010000fb0303', 'hex')],
  ['a length that no datagram has', Buffer.of(0x06, 0x41, 0)],
  ['the greatest length', Buffer.of(0xff, 0xff)],
  ['DTLS before a check', frame(Buffer.from('16fefd0000', 'hex'))],
  ['RTP before a check', frame(Buffer.from('80600001000000020000000300', 'hex'))],
  ['more checks than are listened to', Buffer.concat(Array(40).fill(frame(Buffer.of(0, 1))))],
];

export default async function ({server, beside, test}) {
  await test('streams that are none are ended at once', () => attack({server, beside},
    {counters: [closed('malformed')]}, async () => {
      for (const [name, octets] of ROWS) {
        const s = await stream(server);
        s.send(octets);
        await until(`${name} to end it`, () => ({ok: s.over}), 3000);
      }
    }));

  await test('a check is answered, octet by octet, and among frames of nothing', () => attack({server, beside}, {}, async () => {
    const session = await join(server, 'whip', 'octets');
    for (const octets of [frame(check(session)), Buffer.concat([Buffer.alloc(400), frame(check(session))])]) {
      const s = await stream(server);
      s.socket.setNoDelay(true);
      for (const b of octets) {
        s.send(Buffer.of(b));
        await new Promise(r => setImmediate(r));
      }
      await until('an answer', () => ({ok: s.got.length > 2 && s.got.length === 2 + s.got.readUInt16BE(0)}), 5000);
      assert.equal(typeOf(s.got.subarray(2)), SUCCESS);
      s.close();
    }
    await session.leave();
  }));

  await test('a crowd that says nothing goes when its time is over', () => attack({server, beside},
    {counters: [closed('unproven')], settle: 20000}, async () => {
      const all = [];
      for (let i = 0; i < 400; i++) all.push(await stream(server, {from: `127.2.0.${1 + i % 8}`}));
      all.forEach((s, i) => i % 2 && s.send(Buffer.of(0)));
      await until('all to be ended', () => ({ok: all.every(s => s.over), value: all.filter(s => !s.over).length}), 20000);
    }));

  await test('a flood of connections that come and go', () => attack({server, beside},
    {counters: [closed('ended')]}, async () => {
      for (let i = 0; i < 3000; i += 50) {
        const all = await Promise.all(Array.from({length: 50}, (_, k) => stream(server, {from: `127.3.0.${1 + k}`})));
        all.forEach(s => s.close());
      }
      await sleep(200);
    }));

  await test('a stream whose checks nobody vouches for is answered nothing', () => attack({server, beside},
    {counters: [['sluice_dropped_total', {reason: 'stun_refused'}]]}, async () => {
      const session = await join(server, 'whip', 'forged'), s = await stream(server);
      for (let i = 0; i < 20; i++) s.send(frame(check({ufrag: session.ufrag, pwd: 'guessed'})));
      await sleep(500);
      assert.equal(s.got.length, 0);
      s.close();
      await session.leave();
    }));

  await test('a viewer who stops reading costs itself only, and reads on where it likes', () => attack({server, beside},
    {counters: [['sluice_stream_dropped_total', {reason: 'slow'}], closed('ended')]}, async () => {
      const slow = () => server.count('sluice_stream_dropped_total', {reason: 'slow'});
      const before = await slow(), b = await bridge(server);
      const view = await attend(server, 'whep', 'beside', {via: b.port});
      await until('media by the stream', async () => ({ok: (await view.look()).packets > 20, value: view.seen}));
      b.socket.pause();
      // It asks, and does not listen: answers fill the same queue as media.
      await until('datagrams to be dropped', async () => {
        for (let i = 0; i < 2000; i++) b.send(check(view.session));
        await sleep(100);
        const now = await slow();
        return {ok: now > before, value: now};
      }, 60000);
      await beside.unharmed();
      assert.ok(!b.over, 'its stream was ended');
      b.socket.resume();
      const then = (await view.look()).packets;
      await until('media again', async () => ({ok: (await view.look()).packets > then + 20, value: view.seen}));
      assert.equal(b.wrong, 0, 'a datagram was cut');
      await view.leave();
      b.close();
    }));
}
