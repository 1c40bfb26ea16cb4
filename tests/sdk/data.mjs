// Messages of data channels: the header that names who they are for, or from (docs/rooms.md).

import assert from 'node:assert/strict';
import {content, decode, encode, octets} from '../../sdk/js/src/data.js';

const hex = b => Buffer.from(b).toString('hex');
const utf8 = s => new TextEncoder().encode(s);

const SAID = [
  ['to all', 'text', 'hi', [], '01 01 00 6869'],
  ['octets to one', 'octets', Uint8Array.of(7), ['bob'], '01 00 01 03 626f62 07'],
  ['nothing to two', 'octets', new Uint8Array(0), ['a', 'cd'], '01 00 02 01 61 02 6364'],
];
const HEARD = [
  ['text', '01 01 03 626f62 6869', {from: 'bob', kind: 'text', payload: utf8('hi')}],
  ['octets, none', '01 00 01 61', {from: 'a', kind: 'octets', payload: new Uint8Array(0)}],
  ['from the service', '01 01 00 21', {from: '', kind: 'text', payload: utf8('!')}],
  ['a name that is cut', '01 01 05 626f62', null],
  ['a kind of tomorrow', '01 02 01 61 00', null],
  ['another version', '02 01 01 61 00', null],
  ['nothing', '', null],
];

export default async function ({test}) {
  for (const [name, kind, what, to, want] of SAID)
    await test(`message: ${name}`, () => assert.equal(hex(encode(kind, octets(what), to)), want.replaceAll(' ', '')));
  for (const [name, message, want] of HEARD)
    await test(`message heard: ${name}`, () =>
      assert.deepEqual(decode(Uint8Array.from(Buffer.from(message.replaceAll(' ', ''), 'hex'))), want));
  await test('message: 256 kB fit, what is over the limit is refused before it is sent', () => {
    const all = new Array(32).fill('p'.repeat(64));
    assert.equal(encode('octets', new Uint8Array(256_000), all).length, 258_083);
    assert.equal(encode('octets', new Uint8Array(262_076), all.slice(0, 1)).length, 262_144);
    assert.equal(encode('octets', new Uint8Array(262_076)).length, 262_079);
    assert.throws(() => encode('octets', new Uint8Array(262_077)), {code: 'too_large'});
    assert.throws(() => encode('octets', new Uint8Array(262_076), all), {code: 'too_large'});
    assert.throws(() => encode('text', utf8('x'), new Array(33).fill('p')), {code: 'too_many'});
  });
  await test('message: any view of octets will do, and text comes back as text', () => {
    const buffer = Uint8Array.of(1, 2, 3, 4).buffer;
    assert.deepEqual(octets(new Uint16Array(buffer, 2, 1)), Uint8Array.of(3, 4));
    assert.deepEqual(octets(buffer), Uint8Array.of(1, 2, 3, 4));
    assert.equal(content('text', utf8('grüß')), 'grüß');
  });
}
