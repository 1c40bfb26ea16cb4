// One encoded frame, encrypted end to end and back. AES-GCM with a key of the keyring.
//
//   clear octets | ciphertext and tag | IV (12) | key index (1) | 0x80 + number of clear octets (1)
//
// What a forwarder needs to choose layers stays visible: the first octets of a frame tell key
// frames of VP8 and the configuration of Opus, and headers of H.264's units how they make packets.
// For H.264 the number counts from the first slice, and what follows is escaped, so that no start
// code arises. Clear octets are authenticated, but for what is before that slice, which receivers may
// rewrite (parameter sets, lengths of start codes).

import {escape, firstSlice, isAnnexB, unescape} from './nal.js';

const IV = 12, TAG = 16, TRAILER = IV + 2;
const MARK = 0x80; // the last octet is never zero, and so never escaped or trimmed
export const OVERHEAD = TAG + TRAILER;

// Octets that stay visible: the TOC of Opus; the frame tag of VP8, with start code and size in a
// key frame (RFC 6386 §9.1), which is not less than VP9 needs; first_mb, type and parameter set of
// a slice.
const CLEAR = {audio: 1, key: 10, delta: 3, slice: 6, data: 0};

// A 96-bit IV is never used twice with a key: 64 bits of chance for each sender of each track,
// and a count.
export class Nonce {
  #bytes = new Uint8Array(IV);
  #count = 0;
  #prefix = true;

  next() {
    if (this.#prefix) crypto.getRandomValues(this.#bytes);
    this.#prefix = false;
    new DataView(this.#bytes.buffer).setUint32(8, this.#count);
    this.#count = (this.#count + 1) >>> 0;
    if (this.#count === 0) this.#prefix = true;
    return this.#bytes.slice();
  }
}

const concat = (...parts) => {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
};

// kind: 'audio', 'video', or 'data' for a message. type: 'key' or 'delta', of a picture. entry:
// {index, key} of the ring.
export async function seal(data, {kind, type, entry, nonce}) {
  const slice = kind === 'video' && isAnnexB(data) ? firstSlice(data) : -1;
  const clear = Math.min(slice >= 0 ? CLEAR.slice : CLEAR[kind] ?? CLEAR[type] ?? CLEAR.delta,
    data.length - Math.max(slice, 0));
  const at = Math.max(slice, 0), from = at + clear;
  const end = Uint8Array.of(entry.index, MARK | clear), iv = nonce.next();
  const additionalData = concat(data.subarray(at, from), end);
  const secret = new Uint8Array(await crypto.subtle.encrypt({name: 'AES-GCM', iv, additionalData}, entry.key, data.subarray(from)));
  const out = concat(data.subarray(0, from), secret, iv, end);
  return slice >= 0 ? escape(out, from) : out;
}

// null: not encrypted, cut, made with a key that is not here, or forged. find(index): the keys to
// try, the likeliest first, as {key}; found(index, entry): this one was it.
export async function open(data, {kind, find, found}) {
  const last = data.at(-1);
  if (!(last & MARK) || data.length < OVERHEAD) return null;
  const clear = last & ~MARK;
  const slice = kind === 'video' && isAnnexB(data) ? firstSlice(data) : -1;
  const at = Math.max(slice, 0), from = at + clear;
  const whole = slice >= 0 ? unescape(data, Math.min(from, data.length)) : data;
  const iv = whole.length - TRAILER, secret = whole.subarray(from, iv);
  if (secret.length < TAG) return null;
  const end = whole.subarray(-2), index = end[0];
  const additionalData = concat(whole.subarray(at, from), end);
  for await (const entry of find(index)) {
    const text = await crypto.subtle.decrypt({name: 'AES-GCM', iv: whole.subarray(iv, iv + IV), additionalData},
      entry.key, secret).catch(() => null);
    if (!text) continue;
    found?.(index, entry);
    return concat(whole.subarray(0, from), new Uint8Array(text));
  }
  return null;
}
