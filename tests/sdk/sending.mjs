// What is offered, and who is told when an offer is refused; without a browser or a server.

import assert from 'node:assert/strict';
import {RoomError} from '../../sdk/js/src/errors.js';
import {Sending} from '../../sdk/js/src/send.js';
import {sleep, until} from '../browser/until.mjs';

const LATE = 20; // ms that the server takes

// refuses(sources): the code of its refusal, or null.
function stage(refuses = sources => sources.includes('camera') ? 'forbidden' : null) {
  const offers = [], refused = [], sections = [];
  let agreed = [];
  const pc = {
    signalingState: 'stable', localDescription: {sdp: ''},
    addTransceiver(kind, {direction}) {
      const t = {mid: null, direction, sender: {replaceTrack: async () => {}}};
      sections.push(t);
      return t;
    },
    createOffer: async () => ({}),
    setLocalDescription: async ({type}) => {
      pc.signalingState = type === 'rollback' ? 'stable' : 'have-local-offer';
      if (type !== 'rollback') sections.forEach((t, i) => t.mid = String(i));
    },
    setRemoteDescription: async () => { pc.signalingState = 'stable'; },
  };
  const connection = {pc, open: () => pc, turn: async f => f(), close() { this.pc = null; }};
  const offer = async ({tracks}) => {
    const sources = Object.values(tracks).map(t => t.source).sort();
    offers.push(sources.join(' '));
    const directions = sections.map(t => t.direction);
    await sleep(LATE);
    const code = refuses(sources, offers.length);
    if (code) throw new RoomError(code);
    agreed = directions;
    return {sdp: '', tracks: Object.fromEntries(Object.keys(tracks).map(m => [m, `id-${m}`]))};
  };
  const sending = new Sending({connection, server: {offer}, refused: (track, {code}) => refused.push(`${track.source}: ${code}`)});
  return {sending, offers, refused, connection, agreed: () => agreed};
}

const track = source => ({kind: source, source, shape: source, described: {source}, sent: {}, stream: {}, published(id) { this.id = id; }});
const said = done => done.then(() => 'done', e => e.code);

export default async function ({test}) {
  await test('sending: of what is published in one breath only what may not be sent is refused', async () => {
    const {sending, offers} = stage(), all = ['camera', 'microphone', 'screen'].map(track);
    await sending.open([]);
    assert.deepEqual(await Promise.all(all.map(t => said(sending.add(t)))), ['forbidden', 'done', 'done']);
    assert.deepEqual(offers, ['camera microphone screen', 'camera', 'microphone', 'microphone screen']);
    assert.deepEqual(all.map(t => sending.sender(t) !== null), [false, true, true]);
  });
  await test('sending: what is published while an offer is on its way does not fail with it', async () => {
    const {sending, offers} = stage();
    await sending.open([]);
    const camera = said(sending.add(track('camera')));
    await sleep(LATE / 2);
    const microphone = said(sending.add(track('microphone')));
    assert.deepEqual([await camera, await microphone], ['forbidden', 'done']);
    assert.deepEqual(offers, ['camera', 'microphone']);
  });
  await test('sending: what is taken back while an offer is refused is told to the server', async () => {
    const {sending, agreed} = stage(), screen = track('screen');
    await sending.open([]);
    await sending.add(screen);
    const camera = said(sending.add(track('camera')));
    await sleep(LATE / 2);
    const gone = said(sending.remove(screen));
    assert.deepEqual([await camera, await gone], ['forbidden', 'done']);
    assert.equal(agreed()[0], 'inactive');
  });
  await test('sending: what is taken back before it is offered alone is not offered again', async () => {
    const {sending, offers} = stage(), microphone = track('microphone');
    await sending.open([]);
    const both = Promise.all([track('camera'), microphone].map(t => said(sending.add(t))));
    await sleep(LATE * 1.5); // the camera is on its way by itself
    await sending.remove(microphone);
    assert.equal((await both)[0], 'forbidden');
    assert.deepEqual(offers.slice(2), ['']);
    assert.equal(sending.sender(microphone), null);
  });
  await test('sending: of what was sent before, and is offered anew, what may not be is said, and the rest goes on', async () => {
    const {sending, offers, refused} = stage(), all = ['microphone', 'camera', 'screen'].map(track);
    await said(sending.open(all));
    await said(sending.negotiate());
    assert.deepEqual(refused, ['camera: forbidden']);
    assert.equal(offers.at(-1), 'microphone screen');
  });
  await test('sending: what is refused only for now stays, and is offered with what comes next', async () => {
    const {sending, offers, refused} = stage((sources, n) => n === 1 ? 'lost' : sources.includes('camera') ? 'forbidden' : null);
    await sending.open([]);
    assert.equal(await said(sending.add(track('camera'))), 'lost');
    assert.equal(await said(sending.add(track('microphone'))), 'done');
    await until('said', async () => ({value: refused, ok: refused.length === 1}));
    assert.deepEqual(refused, ['camera: forbidden']);
    assert.deepEqual(offers, ['camera', 'camera microphone', 'microphone', 'camera microphone']);
  });
  await test('sending: where offers meet, the same is offered once more', async () => {
    const {sending, offers} = stage((_, n) => n === 1 ? 'glare' : null);
    await sending.open([]);
    assert.deepEqual(await Promise.all(['camera', 'microphone'].map(s => said(sending.add(track(s))))), ['done', 'done']);
    assert.deepEqual(offers, ['camera microphone', 'camera microphone']);
  });
  await test('sending: when it is over nobody waits', async () => {
    const {sending, connection} = stage();
    await sending.open([]);
    const both = ['microphone', 'camera'].map(s => said(sending.add(track(s))));
    await sleep(LATE / 2);
    sending.close();
    assert.equal(connection.pc, null);
    assert.deepEqual(await Promise.all(both), ['done', 'done']);
  });
}
