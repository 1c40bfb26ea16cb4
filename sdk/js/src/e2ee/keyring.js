// The keys of a room's end-to-end encryption: sixteen places, of which one is used to send.
//
// A key may be turned on ("ratcheted"): the next is made of it, and it cannot be made of the next.
// Who receives tries a few turns ahead, so that senders may turn theirs without asking, and for a
// moment the last one: a picture that was sealed before the turn may be whole only after sound that
// was sealed after it, and others seal with the last key until they hear of the turn. Material is
// 32 octets; what encrypts frames is derived from it (HKDF), and leaves the ring only as a handle.

const PLACES = 16;
const AHEAD = 8; // turns that a receiver tries; each costs a wrong decryption
const LINGER = 5000; // ms in which the last key is still good
const ROUNDS = 600_000; // of PBKDF2, as OWASP asks of SHA-256
const text = s => new TextEncoder().encode(s);

// Words that people told each other, into material. salt: the room's name does.
export async function fromPassphrase(words, salt) {
  const base = await crypto.subtle.importKey('raw', text(words.normalize('NFKC')), 'PBKDF2', false, ['deriveBits']);
  return new Uint8Array(await crypto.subtle.deriveBits(
    {name: 'PBKDF2', hash: 'SHA-256', salt: text(`sluice e2ee ${salt}`), iterations: ROUNDS}, base, 256));
}

async function derive(material, info, bits) {
  const base = await crypto.subtle.importKey('raw', material, 'HKDF', false, ['deriveBits']);
  return crypto.subtle.deriveBits({name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: text(info)}, base, bits);
}
const turned = async material => new Uint8Array(await derive(material, 'sluice e2ee ratchet', 256));
const frameKey = async material => crypto.subtle.importKey('raw', await derive(material, 'sluice e2ee frame', 256),
  'AES-GCM', false, ['encrypt', 'decrypt']);

export class Keyring {
  #places = new Array(PLACES).fill(null); // {material, key, ahead: [{material, key}], last: {key, until} | null}
  #now;
  #last = Promise.resolve(); // changes come one after the other, as they were asked for
  current = -1; // the place that is used to send

  // now: the time in ms.
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  // material: 32 octets. use: from now on to send, too.
  async set(material, {index = 0, use = true} = {}) {
    if (!(index >= 0 && index < PLACES)) throw new RangeError(`a key's index is 0 to ${PLACES - 1}`);
    if (material.length !== 32) throw new RangeError('a key is 32 octets');
    await this.#inTurn(async () => {
      this.#places[index] = {material, key: await frameKey(material), ahead: [], last: null};
      if (use) this.current = index;
    });
  }

  // Turned twice at once is turned twice; and a key that is set meanwhile is what is turned.
  ratchet(index) {
    return this.#inTurn(async () => {
      const at = index ?? this.current;
      for (;;) {
        const place = this.#places[at];
        if (!place) throw new Error('there is no such key');
        const material = await turned(place.material), key = await frameKey(material);
        if (this.#places[at] !== place) continue; // what was received has turned it
        this.#places[at] = {material, key, ahead: [], last: this.#leave(place)};
        return;
      }
    });
  }

  #inTurn(change) {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {});
    return done;
  }

  #leave = ({key}) => ({key, until: this.#now() + LINGER});

  // What to send with; null: nothing may be sent.
  get sending() {
    const place = this.#places[this.current];
    return place ? {index: this.current, key: place.key} : null;
  }

  // The key of this place, the one before, then those that it turns into: {key, ...}.
  async* find(index) {
    const place = this.#places[index];
    if (!place) return;
    yield place;
    if (place.last && this.#now() < place.last.until) yield place.last;
    for (let n = 0; n < AHEAD; n++) {
      if (!place.ahead[n]) {
        const material = await turned(n ? place.ahead[n - 1].material : place.material);
        place.ahead[n] = {material, key: await frameKey(material)};
      }
      yield place.ahead[n];
    }
  }

  // This one of those was it: who sends with it has turned, and so does the ring. Frames that were
  // on their way together may say so more than once.
  found = (index, entry) => {
    const place = this.#places[index], n = place?.ahead.indexOf(entry) ?? -1;
    if (n >= 0) this.#places[index] = {...entry, ahead: place.ahead.slice(n + 1), last: this.#leave(place)};
  };
}
