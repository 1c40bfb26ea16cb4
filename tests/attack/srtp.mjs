// An attacker on the path of a live session: he sees every packet, and sends what he likes in
// the client's name, and from elsewhere.

import {attack, dropped, innocents, relay, seeded, shooter, sleep} from './rig.mjs';

const isRtp = d => d[0] >= 128 && d[0] <= 191 && !(d[1] >= 192 && d[1] <= 223);
const chance = seeded(5);

// A copy with one bit of a part turned over.
function turned(d, from, to) {
  const c = Buffer.from(d), at = from + chance(to - from);
  c[at] ^= 1 << chance(8);
  return c;
}

const FORGERIES = {
  'the tag': d => turned(d, d.length - 10, d.length),
  'the payload': d => turned(d, 12, d.length - 16),
  'the time stamp': d => turned(d, 4, 8),
  'the number, so that it would roll over': d => {
    const c = Buffer.from(d);
    c.writeUInt16BE(d.readUInt16BE(2) + 0x8001 & 0xffff, 2);
    return c;
  },
  'the SSRC': d => turned(d, 8, 12),
  'padding that is not there': d => {
    const c = Buffer.from(d);
    c[0] |= 0x20;
    return c;
  },
  'an extension that is not there': d => {
    const c = Buffer.from(d);
    c[0] |= 0x10;
    return c;
  },
  'sources that are not there': d => {
    const c = Buffer.from(d);
    c[0] |= 0x0f;
    return c;
  },
  'its end': d => d.subarray(0, 12 + chance(d.length - 12)),
};

export default async function ({server, beside, test}) {
  const between = await relay(server);
  const both = await innocents(server, 'srtp', {via: between.port});

  const harmless = (name, counters, up, meanwhile) => test(name, () => attack({server, beside}, {counters}, async () => {
    await both.mark();
    between.up = d => isRtp(d) ? up(d) : [d];
    await (meanwhile?.() ?? sleep(800));
    between.up = d => [d];
    await both.unharmed(); // nothing came twice, nothing is missing
  }));

  await harmless('each packet four times', [dropped('srtp_replay')], d => [d, d, d, d]);

  const old = [];
  await harmless('packets of a while ago', [dropped('srtp_replay')], d => {
    old.push(d);
    return [d, old[chance(old.length)], old[0]];
  });

  for (const [what, forge] of Object.entries(FORGERIES))
    await harmless(`before each packet, one that differs in ${what}`,
      [dropped(what.startsWith('an extension') ? 'malformed' : 'srtp_auth')], d => [forge(d), d]);

  let last;
  await harmless('30 000 forged packets as fast as can be', [dropped('srtp_auth')], d => [last = d], async () => {
    await sleep(100);
    for (let i = 0; i < 30000; i++) {
      const sent = between.send(turned(last, 2, last.length));
      if (i % 64 === 0) await sent;
      if (i % 512 === 0) await sleep(5);
    }
  });

  await harmless('true packets, sent from elsewhere', [dropped('stray')], d => [last = d], async () => {
    const s = await shooter(server);
    for (let i = 0; i < 200; i++) {
      await s.send(last);
      await sleep(5);
    }
    s.close();
  });

  await both.leave();
  between.close();
}
