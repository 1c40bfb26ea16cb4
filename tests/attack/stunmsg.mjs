// STUN messages, right and wrong: parts are put together as given.

import {createHmac} from 'node:crypto';

const COOKIE = 0x2112a442;
export const REQUEST = 0x0001, INDICATION = 0x0011, SUCCESS = 0x0101, ERROR = 0x0111;
export const USERNAME = 0x0006, INTEGRITY = 0x0008, FINGERPRINT = 0x8028, PRIORITY = 0x0024,
  USE_CANDIDATE = 0x0025, CONTROLLING = 0x802a, CONTROLLED = 0x8029, SOFTWARE = 0x8022;

const CRC = Array.from({length: 256}, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? n >>> 1 ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});
const crc32 = b => (b.reduce((c, x) => c >>> 8 ^ CRC[(c ^ x) & 0xff], 0xffffffff) ^ 0xffffffff) >>> 0;

export function attribute(type, value = Buffer.alloc(0), length = value.length) {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(length, 2);
  return Buffer.concat([head, value, Buffer.alloc((4 - value.length % 4) % 4)]);
}

// parts: attributes, or functions that are given all before them, with a header that counts
// them and `more` octets.
export function message(type, parts, id = Buffer.alloc(12, 7)) {
  const header = n => {
    const h = Buffer.alloc(8);
    h.writeUInt16BE(type, 0);
    h.writeUInt16BE(n, 2);
    h.writeUInt32BE(COOKIE, 4);
    return Buffer.concat([h, id]);
  };
  let body = Buffer.alloc(0);
  for (const p of parts)
    body = Buffer.concat([body, typeof p === 'function' ? p(more => Buffer.concat([header(body.length + more), body])) : p]);
  return Buffer.concat([header(body.length), body]);
}

export const integrity = (pwd, length = 20) => before =>
  attribute(INTEGRITY, createHmac('sha1', pwd).update(before(4 + length)).digest().subarray(0, length));

export const fingerprint = before => {
  const value = Buffer.alloc(4);
  value.writeUInt32BE((crc32(before(8)) ^ 0x5354554e) >>> 0);
  return attribute(FINGERPRINT, value);
};

const number = (n, size) => Buffer.from(n.toString(16).padStart(2 * size, '0'), 'hex');
export const basics = (ufrag, role = CONTROLLING) => [attribute(USERNAME, Buffer.from(`${ufrag}:them`)),
  attribute(role, number(99, 8)), attribute(PRIORITY, number(1845501695, 4))];

// A check as browsers send it.
export const check = ({ufrag, pwd}, {nominate = true, id} = {}) => message(REQUEST,
  [...basics(ufrag), ...(nominate ? [attribute(USE_CANDIDATE)] : []), integrity(pwd), fingerprint], id);

export const typeOf = d => d.readUInt16BE(0);
export const codeOf = d => {
  for (let at = 20; at + 4 <= d.length; at += 4 + (d.readUInt16BE(at + 2) + 3 & ~3))
    if (d.readUInt16BE(at) === 0x0009) return d[at + 6] * 100 + d[at + 7];
  return 0;
};
