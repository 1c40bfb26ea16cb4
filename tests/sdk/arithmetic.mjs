// Encodings, wishes, errors and events: what goes in, what comes out.

import assert from 'node:assert/strict';
import {Emitter} from '../../sdk/js/src/emitter.js';
import {camera, preferred, screen, wanted, worth} from '../../sdk/js/src/encodings.js';
import {DeviceError, deviceCode, RoomError} from '../../sdk/js/src/errors.js';
import {measure} from '../../sdk/js/src/stats.js';
import {address} from '../../sdk/js/src/socket.js';
import {wish} from '../../sdk/js/src/view.js';

const DEVICES = [
  ['the person said no', 'camera', {name: 'NotAllowedError', message: 'Permission denied'}, 'denied'],
  ['the system said no', 'camera', {name: 'NotAllowedError', message: 'Permission denied by system'}, 'denied_by_system'],
  ['a screen was not chosen', 'screen', {name: 'NotAllowedError', message: 'Permission denied'}, 'cancelled'],
  ['the page may not ask', 'screen', {name: 'NotAllowedError', message: 'disallowed by permissions policy'}, 'denied'],
  ['the system keeps its screen', 'screen', {name: 'NotAllowedError', message: 'Permission denied by system'}, 'denied_by_system'],
  ['nothing is plugged in', 'microphone', {name: 'NotFoundError'}, 'none'],
  ['another program has it', 'camera', {name: 'NotReadableError', message: 'Could not start video source'}, 'busy'],
  ['Firefox: allocation failed', 'camera', {name: 'AbortError', message: 'Starting videoinput failed'}, 'busy'],
  ['one microphone too many', 'microphone', {name: 'NotReadableError', message: 'Too many audio streams'}, 'too_many'],
  ['cameras at once are limited', 'camera', {name: 'AbortError', message: 'Maximum number of concurrent cameras'}, 'too_many'],
  ['the chosen one was unplugged', 'camera', {name: 'OverconstrainedError', constraint: 'deviceId'}, 'gone'],
  ['it cannot be that small', 'camera', {name: 'OverconstrainedError', constraint: 'width'}, 'failed'],
  ['no one knows this error', 'camera', {name: 'Odd', message: 'x'}, 'failed'],
];
const SEEN = [
  ['nothing shows it: nothing is said', [], {}, {}],
  ['one place', [{width: 640, height: 360, visible: true}], {}, {width: 640, height: 360}],
  ['the larger of two', [{width: 640, height: 360, visible: true}, {width: 320, height: 180, visible: true}], {}, {width: 640, height: 360}],
  ['what is scrolled away does not count', [{width: 640, height: 360, visible: false}, {width: 320, height: 180, visible: true}], {}, {width: 320, height: 180}],
  ['nobody can see it', [{width: 640, height: 360, visible: false}], {}, {paused: true}],
  ['a place without a size', [{width: 0, height: 0, visible: true}], {}, {paused: true}],
  ['the program knows better', [{width: 640, height: 360, visible: true}], {height: 90, fps: 5}, {height: 90, fps: 5}],
  ['and says only how much it matters', [{width: 640, height: 360, visible: true}], {priority: 9}, {width: 640, height: 360, priority: 9}],
  ['and takes back what it said', [{width: 640, height: 360, visible: true}], {height: null, fps: null}, {width: 640, height: 360}],
  ['it must be sent although nobody can see it', [{width: 1, height: 1, visible: false}], {paused: false}, {paused: false}],
];
const SENT = [
  ['three sizes', {height: 720}, [['q', 4], ['h', 2], ['f', 1]]],
  ['two of a small one, as Chromium would leave out the largest of three', {width: 640, height: 360}, [['h', 2], ['f', 1]]],
  ['the same of an old camera', {width: 640, height: 480}, [['h', 2], ['f', 1]]],
  ['three from 960x540 on', {width: 960, height: 540}, [['q', 4], ['h', 2], ['f', 1]]],
  ['it is pixels that count: a phone held upright', {width: 540, height: 960}, [['q', 4], ['h', 2], ['f', 1]]],
  ['one of a very small one', {width: 320, height: 240}, [['f', 1]]],
  ['none of less than 90 lines', {width: 3840, height: 160}, [['f', 1]]],
  ['a stamp is one stream', {height: 90}, [['f', 1]]],
  ['layers inside one', {height: 720, how: 'svc', codec: 'VP9'}, [[undefined, undefined, 'L3T3_KEY']]],
  ['VP8 has none: one stream', {height: 720, how: 'svc', codec: 'VP8'}, [[undefined, undefined, undefined]]],
];

export default async function ({test}) {
  for (const [name, what, error, want] of DEVICES)
    await test(`device: ${name}`, () => {
      assert.equal(deviceCode(what, error), want);
      assert.match(new DeviceError(want, what, error).message, /^[A-Z].*[.:x].*$/);
    });
  for (const [name, seen, own, want] of SEEN)
    await test(`wish: ${name}`, () => assert.deepEqual(wish(seen, own), want));
  for (const [name, how, want] of SENT)
    await test(`encodings: ${name}`, () => assert.deepEqual(
      camera(how).map(e => [e.rid, e.scaleResolutionDownBy, e.scalabilityMode]), want.map(([a, b, c]) => [a, b, c])));
  await test('encodings: a larger picture is worth more, and a ceiling holds for each', () => {
    for (let h = 90, last = 0; h <= 2160; h += 90) {
      assert.ok(worth(h) > last, `${h}`);
      last = worth(h);
    }
    assert.ok(worth(360, 5) < worth(360, 30) / 2);
    for (const e of camera({height: 1080, maxBps: 300_000})) assert.ok(e.maxBitrate <= 300_000);
    assert.deepEqual(screen({fps: 5}), [{maxBitrate: 2_000_000, maxFramerate: 5}]);
  });
  await test('codecs: the chosen one first, its helpers behind, no other', () => {
    const all = ['video/VP8', 'video/rtx', 'video/VP9', 'video/AV1', 'video/ulpfec'].map(mimeType => ({mimeType}));
    assert.deepEqual(preferred(all, 'vp9').map(c => c.mimeType), ['video/VP9', 'video/rtx', 'video/ulpfec']);
    assert.equal(preferred(all, 'H264'), null);
  });
  await test('wanted: what nobody watches rests, and comes back as it was', () => {
    const all = {encodings: camera({height: 720}).map(e => ({...e, active: true}))};
    const resting = wanted(all, ['q']);
    assert.deepEqual(resting.encodings.map(e => e.active), [true, false, false]);
    assert.equal(wanted(resting, ['q']), null);
    assert.deepEqual(wanted(resting, ['q', 'h', 'f']), all);
    const one = wanted({encodings: [{maxBitrate: 500}]}, []);
    assert.deepEqual(one.encodings, [{maxBitrate: 500, active: false}]);
    assert.equal(wanted(one, ['']).encodings[0].active, true);
  });
  await test('numbers: rates of what came between two looks', () => {
    const before = [{type: 'inbound-rtp', bytesReceived: 1000, packetsReceived: 10, packetsLost: 0}];
    const now = [{type: 'inbound-rtp', bytesReceived: 126_000, packetsReceived: 100, packetsLost: 10, frameHeight: 360}];
    const {bps, loss, height} = measure(now, before, 2000, 1000);
    assert.deepEqual([bps, loss, height], [1_000_000, 0.1, 360]);
    assert.equal(measure(now, undefined, 2000, 0).bps, undefined);
    const sent = (...reported) => reported.map(fractionLost => ({type: 'outbound-rtp', bytesSent: 1000, fractionLost}));
    assert.equal(measure(sent(0.02, undefined, 0.3), undefined, 2000, 1000).loss, 0.3, 'of what is sent, as reported');
    assert.equal(measure(sent(undefined), undefined, 2000, 1000).loss, undefined);
  });
  await test('events: heard in order, once, and not after off; one that throws stops nobody', async () => {
    const e = new Emitter(), heard = [];
    const thrown = new Promise(resolve => process.once('uncaughtException', resolve));
    e.once('x', () => { throw new Error('mine'); });
    const off = e.on('x', v => heard.push(`a${v}`));
    e.once('x', v => heard.push(`b${v}`));
    e.emit('x', 1);
    off();
    e.emit('x', 2);
    assert.deepEqual(heard, ['a1', 'b1']);
    assert.equal((await thrown).message, 'mine');
  });
  await test('errors: a sentence where the server has none, and whether to ask again', () => {
    assert.match(new RoomError('unreachable').message, /cannot be reached/);
    assert.equal(new RoomError('forbidden', 'You may not.').message, 'You may not.');
    assert.deepEqual(['lost', 'draining', 'forbidden', 'token_expired'].map(c => new RoomError(c).passing), [true, true, false, false]);
  });
  await test('addresses: of a room with any name', () => {
    assert.equal(address('https://x.example/', 'a b'), 'wss://x.example/rooms/a%20b/ws');
    assert.equal(address('http://127.0.0.1:8080', 'r'), 'ws://127.0.0.1:8080/rooms/r/ws');
  });
}
