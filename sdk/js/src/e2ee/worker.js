// The thread on which frames are encrypted and decrypted. It is given the keys, and the streams of
// frames in whichever way the browser has: RTCRtpScriptTransform, or createEncodedStreams.

import {Nonce, open, seal} from './frame.js';
import {Keyring} from './keyring.js';

const ring = new Keyring();
const WORD_EVERY = 1000; // ms between two reports of a track that cannot be read

// {role: 'send' | 'receive', kind, id}; id comes back in reports.
function transform({readable, writable}, {role, kind, id}) {
  const nonce = new Nonce();
  let told = null, at = 0;
  const tell = readableNow => {
    if (told === readableNow && (readableNow || performance.now() - at < WORD_EVERY)) return;
    [told, at] = [readableNow, performance.now()];
    postMessage({id, readable: readableNow});
  };
  const through = role === 'send' ? async (frame, out) => {
    const entry = ring.sending;
    if (!entry || !frame.data.byteLength) return; // never in the clear
    frame.data = (await seal(new Uint8Array(frame.data), {kind, type: frame.type, entry, nonce})).slice().buffer;
    out.enqueue(frame);
  } : async (frame, out) => {
    if (!frame.data.byteLength) return out.enqueue(frame);
    const data = await open(new Uint8Array(frame.data), {kind, find: i => ring.find(i), found: ring.found});
    tell(!!data);
    if (!data) return;
    frame.data = data.slice().buffer;
    out.enqueue(frame);
  };
  readable.pipeThrough(new TransformStream({transform: through})).pipeTo(writable).catch(() => {}); // the track ended
}

addEventListener('rtctransform', ({transformer}) => transform(transformer, transformer.options));

const messages = new Nonce();
const ASKED = {
  set: ({material, index, use}) => ring.set(material, {index, use}),
  ratchet: () => ring.ratchet(),
  seal: ({data}) => seal(data, {kind: 'data', entry: ring.sending, nonce: messages}),
  open: ({data}) => open(data, {kind: 'data', find: i => ring.find(i), found: ring.found}),
};

addEventListener('message', async ({data: {ask, call, ...rest}}) => {
  if (ask === 'transform') return transform(rest, rest);
  try {
    postMessage({call, value: await ASKED[ask](rest)});
  } catch (error) {
    postMessage({call, error: error.message});
  }
});
