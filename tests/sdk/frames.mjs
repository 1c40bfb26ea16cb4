// End-to-end encryption of frames and messages: what is sealed opens, and nothing else does.

import assert from 'node:assert/strict';
import {Nonce, open, OVERHEAD, seal} from '../../sdk/js/src/e2ee/frame.js';
import {fromPassphrase, Keyring} from '../../sdk/js/src/e2ee/keyring.js';
import {escape, firstSlice, isAnnexB, unescape} from '../../sdk/js/src/e2ee/nal.js';

const hex = s => Uint8Array.from(Buffer.from(s.replaceAll(' ', ''), 'hex'));
const noise = n => crypto.getRandomValues(new Uint8Array(n));
const concat = (...parts) => Uint8Array.from(parts.flatMap(p => [...p]));
const material = noise(32);

async function ring(of = material, options) {
  const r = new Keyring();
  await r.set(of, options);
  return r;
}
const sealed = (r, data, kind, type, nonce = new Nonce()) => seal(data, {kind, type, entry: r.sending, nonce});
const opened = (r, data, kind) => open(data, {kind, find: i => r.find(i), found: r.found});

// Zeros and small octets, where escapes must be; with a start code every so often.
const sparse = n => noise(n).map(b => b < 200 ? b % 4 % 3 === 0 ? 0 : b % 4 : b);
const slices = body => concat(hex('00000001 67 42c01f 00000001 68 ce3c80 000001 65'), escape(concat([0x88], body), 1));

const FRAMES = [
  ['Opus', 'audio', undefined, concat([0x78], noise(80)), 1],
  ['silence of one octet', 'audio', undefined, Uint8Array.of(0xf8), 1],
  ['VP8 key frame', 'video', 'key', concat(hex('50 42 00 9d 01 2a 80 02 68 01'), noise(900)), 10],
  ['VP8 delta frame', 'video', 'delta', concat(hex('b1 02 00'), noise(200)), 3],
  ['VP9', 'video', 'delta', concat([0x86], noise(300)), 3],
  ['H.264 with parameter sets', 'video', 'key', slices(noise(700)), 22],
  ['H.264, full of zeros', 'video', 'key', slices(sparse(2000)), 22],
  ['H.264 slice of three octets', 'video', 'delta', hex('00000001 41 9a 02'), 7],
  ['a message', 'data', undefined, noise(1000), 0],
  ['an empty message', 'data', undefined, new Uint8Array(0), 0],
];

export default async function ({test}) {
  const a = await ring(), b = await ring(), other = await ring(noise(32));
  for (const [name, kind, type, frame, clear] of FRAMES) {
    await test(`${name}: comes back whole, begins in the clear, and costs ${OVERHEAD} octets`, async () => {
      const secret = await sealed(a, frame, kind, type);
      assert.deepEqual(secret.subarray(0, clear), frame.subarray(0, clear));
      if (frame.length > clear + 16) assert.ok(!Buffer.from(secret).includes(Buffer.from(frame.subarray(clear, clear + 16))));
      if (!isAnnexB(frame)) assert.equal(secret.length, frame.length + OVERHEAD);
      assert.deepEqual(await opened(b, secret, kind), frame);
    });
    await test(`${name}: another key does not open it, nor does one changed octet`, async () => {
      const secret = await sealed(a, frame, kind, type);
      assert.equal(await opened(other, secret, kind), null);
      const from = isAnnexB(frame) ? clear : 0; // what is before may be rewritten by receivers
      for (let n = 0; n < 20; n++) {
        const at = Math.min(from + (n < 10 ? n : Math.floor(Math.random() * (secret.length - from))), secret.length - 1), forged = secret.slice();
        forged[at] ^= 0x55;
        assert.equal(await opened(b, forged, kind), null, `octet ${at} of ${secret.length}`);
      }
    });
  }
  await test('H.264: no start code arises, whatever is encrypted', async () => {
    for (let n = 0; n < 200; n++) {
      const frame = slices(sparse(300)), secret = await sealed(a, frame, 'video', 'key');
      const from = firstSlice(secret);
      assert.equal(from, firstSlice(frame));
      for (let i = from; i + 2 < secret.length; i++)
        assert.ok(!(secret[i] === 0 && secret[i + 1] === 0 && secret[i + 2] < 3), `at ${i}`);
      assert.notEqual(secret.at(-1), 0);
    }
  });
  await test('H.264: a receiver may write start codes and parameter sets anew', async () => {
    const frame = slices(noise(500)), secret = await sealed(a, frame, 'video', 'key');
    const longer = Buffer.from(secret).toString('hex').replace(/00000165/, '0000000165');
    const want = Buffer.from(frame).toString('hex').replace(/00000165/, '0000000165');
    assert.equal(Buffer.from(await opened(b, hex(longer), 'video')).toString('hex'), want);
  });
  await test('escapes: what is escaped comes back, from any place', () => {
    for (let n = 0; n < 500; n++) {
      const data = sparse(40), from = n % 40;
      assert.deepEqual(unescape(escape(data, from), from), data);
    }
  });
  await test('what was never encrypted is not taken for it', async () => {
    for (const data of [hex('f8 ff fe'), noise(400), new Uint8Array(0), new Uint8Array(OVERHEAD - 1).fill(0xff)])
      assert.equal(await opened(b, data, 'audio'), null);
  });
  await test('an IV comes once', () => {
    const nonce = new Nonce(), seen = new Set();
    for (let n = 0; n < 1000; n++) seen.add(Buffer.from(nonce.next()).toString('hex'));
    assert.equal(seen.size, 1000);
    assert.notDeepEqual(new Nonce().next().subarray(0, 8), new Nonce().next().subarray(0, 8));
  });
  await test('keys: the sender turns his, receivers follow, and nobody goes back', async () => {
    const sender = await ring(), receiver = await ring();
    const before = await sealed(sender, noise(50), 'audio');
    await sender.ratchet();
    await sender.ratchet();
    const late = await ring(sender.sending && material);
    await late.ratchet();
    await late.ratchet();
    const [first, second] = [await sealed(sender, noise(50), 'audio'), await sealed(sender, noise(60), 'audio')];
    const [x, y] = await Promise.all([opened(receiver, first, 'audio'), opened(receiver, second, 'audio')]);
    assert.ok(x && y);
    assert.ok(await opened(receiver, await sealed(sender, noise(5), 'audio'), 'audio'));
    assert.equal(await opened(late, before, 'audio'), null, 'who came later reads what was before');
  });
  await test('keys: what was sealed before the turn may come after it, for a while', async () => {
    let now = 0;
    const rings = [new Keyring(), new Keyring(() => now)], [sender, receiver] = rings;
    for (const r of rings) await r.set(material);
    const picture = await sealed(sender, noise(300), 'video', 'delta');
    await sender.ratchet();
    const sound = await sealed(sender, noise(50), 'audio');
    assert.ok(await opened(receiver, sound, 'audio'));
    assert.ok(await opened(receiver, picture, 'video'));
    assert.ok(await opened(receiver, sound, 'audio'), 'the last key takes nobody back');
    now += 5000;
    assert.equal(await opened(receiver, picture, 'video'), null);
  });
  await test('keys: what is asked for at once happens in that order', async () => {
    const next = noise(32), [one, other] = [await ring(), await ring()];
    await Promise.all([one.set(next), one.ratchet(), one.ratchet()]);
    await other.set(next);
    await other.ratchet();
    const between = await sealed(other, noise(50), 'audio');
    await other.ratchet();
    const late = await ring(next);
    for (const r of [one, other]) assert.ok(await opened(late, await sealed(r, noise(50), 'audio'), 'audio'));
    assert.ok(await opened(one, between, 'audio'), 'the last key, and no further back');
    assert.equal(await opened(one, await sealed(await ring(next), noise(50), 'audio'), 'audio'), null);
  });
  await test('keys: who turns his reads the others until they follow', async () => {
    const mine = await ring(), theirs = await ring();
    await mine.ratchet();
    assert.ok(await opened(mine, await sealed(theirs, noise(50), 'audio'), 'audio'));
    assert.ok(await opened(theirs, await sealed(mine, noise(50), 'audio'), 'audio'));
    assert.ok(await opened(mine, await sealed(theirs, noise(50), 'audio'), 'audio'));
  });
  await test('keys: by their index, so that a new one can be told before it is used', async () => {
    const sender = await ring(), receiver = await ring(), next = noise(32);
    await receiver.set(next, {index: 5, use: false});
    assert.equal(receiver.sending.index, 0);
    await sender.set(next, {index: 5});
    assert.ok(await opened(receiver, await sealed(sender, noise(9), 'audio'), 'audio'));
    await assert.rejects(sender.set(next, {index: 16}));
    await assert.rejects(sender.set(noise(16)));
  });
  await test('passphrases: the same words and room make the same key, others do not', async () => {
    const key = (words, salt) => fromPassphrase(words, salt).then(k => Buffer.from(k).toString('hex'));
    const one = await key('correct horse', 'standup');
    assert.equal(one, await key('correct horse', 'standup'));
    assert.notEqual(one, await key('correct horse', 'other'));
    assert.notEqual(one, await key('Correct horse', 'standup'));
  });
}
