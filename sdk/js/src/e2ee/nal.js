// The little of H.264's byte stream (H.264 Annex B, §7.4.1) that encryption must respect: packets
// are made along start codes, so none may arise in what is encrypted.

const SLICES = new Set([1, 2, 3, 4, 5]); // nal_unit_type of coded slices

export const isAnnexB = b => b.length > 3 && b[0] === 0 && b[1] === 0 && (b[2] === 1 || (b[2] === 0 && b[3] === 1));

// The octet after the header of the first coded slice; -1: there is none.
export function firstSlice(b) {
  for (let i = 0; i + 3 < b.length; i++)
    if (b[i] === 0 && b[i + 1] === 0 && b[i + 2] === 1 && SLICES.has(b[i + 3] & 0x1f)) return i + 4;
  return -1;
}

// Puts a 3 before each octet of 3 or less that follows two zeros, those before `from` included:
// what is before stays as it is.
export function escape(b, from) {
  const out = new Uint8Array(b.length + Math.ceil((b.length - from) / 2) + 1);
  out.set(b.subarray(0, from));
  let n = from, zeros = 0;
  for (let i = from - 1; i >= 0 && i >= from - 2 && b[i] === 0; i--) zeros++;
  for (let i = from; i < b.length; i++) {
    if (zeros >= 2 && b[i] <= 3) {
      out[n++] = 3;
      zeros = 0;
    }
    out[n++] = b[i];
    zeros = b[i] === 0 ? zeros + 1 : 0;
  }
  return out.subarray(0, n);
}

// The inverse.
export function unescape(b, from) {
  const out = new Uint8Array(b.length);
  out.set(b.subarray(0, from));
  let n = from, zeros = 0;
  for (let i = from - 1; i >= 0 && i >= from - 2 && b[i] === 0; i--) zeros++;
  for (let i = from; i < b.length; i++) {
    if (zeros >= 2 && b[i] === 3) {
      zeros = 0;
      continue;
    }
    out[n++] = b[i];
    zeros = b[i] === 0 ? zeros + 1 : 0;
  }
  return out.subarray(0, n);
}
