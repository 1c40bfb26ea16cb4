// What only a browser can tell: frames that are encrypted on one connection and decrypted on
// another, sizes of elements, devices that are refused.

import assert from 'node:assert/strict';
import {call, COLORS, hears, sees, until} from '../browser/rig.mjs';

// In the page: two connections of its own, the frames of one encrypted, of the other decrypted.
async function loop({codec, sendWith, receiveWith}) {
  const {Encryption} = await import('/sdk/e2ee/encryption.js');
  const {preferred} = await import('/sdk/encodings.js');
  const rings = [new Encryption(), new Encryption()];
  await rings[0].setPassphrase(sendWith, {salt: 'r'});
  await rings[1].setPassphrase(receiveWith, {salt: 'r'});
  const {rig} = window;
  const [a, b] = rings.map(r => new RTCPeerConnection(r.configuration));
  rig.readable = [];
  rings[1].on('readable', (id, readable) => rig.readable.push(readable));
  rig.rings = rings;
  a.onicecandidate = e => b.addIceCandidate(e.candidate);
  b.onicecandidate = e => a.addIceCandidate(e.candidate);
  const stream = new MediaStream();
  rig.show('seen', stream);
  for (const track of rig.streams.local.stream.getTracks()) {
    const t = a.addTransceiver(track, {direction: 'sendonly'});
    const codecs = track.kind === 'video' && preferred(RTCRtpReceiver.getCapabilities('video').codecs, codec);
    if (codecs) t.setCodecPreferences(codecs);
    rings[0].attach(t.sender, 'send', track.kind);
  }
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  for (const {receiver} of b.getTransceivers()) {
    rings[1].attach(receiver, 'receive', receiver.track.kind, receiver.track.id);
    stream.addTrack(receiver.track);
  }
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
  rig.pcs = {a, b};
  rig.streams.seen.element.play().catch(() => {});
}
const end = page => page.evaluate(() => Object.values(window.rig.pcs).forEach(pc => pc.close()));

// What a View says of an element that is shown, made smaller, scrolled away, hidden.
async function view() {
  const {View, wish} = await import('/sdk/view.js');
  const element = Object.assign(document.createElement('video'), {style: 'width: 320px; height: 180px; display: block'});
  document.body.prepend(element);
  let changed;
  const next = () => new Promise(resolve => changed = resolve);
  const v = new View(() => changed?.()), said = [];
  const then = async change => {
    const told = next();
    change();
    await told;
    said.push(wish(v.seen));
  };
  await then(() => v.add(element));
  await then(() => element.style.width = '160px');
  await then(() => element.style.marginTop = '20000px');
  await then(() => element.style.marginTop = '0');
  await then(() => element.remove());
  v.close();
  const dpr = devicePixelRatio;
  return said.map(s => s.paused ? 'paused' : `${s.width / dpr}x${s.height / dpr}`);
}

// Sends a picture of this size as the SDK would, with its sizes taken as they are offered.
async function sends(width, height) {
  const {camera} = await import('/sdk/encodings.js');
  const canvas = Object.assign(document.createElement('canvas'), {width, height});
  const paint = canvas.getContext('2d');
  const painting = setInterval(() => paint.fillRect(Math.random() * width, Math.random() * height, 9, 9), 40);
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  a.onicecandidate = e => b.addIceCandidate(e.candidate);
  b.onicecandidate = e => a.addIceCandidate(e.candidate);
  const sendEncodings = camera({width, height});
  a.addTransceiver(canvas.captureStream(25).getVideoTracks()[0], {direction: 'sendonly', sendEncodings});
  await a.setLocalDescription();
  // No browser takes several sizes: it is told of one, and the sender that all are welcome.
  const {sdp} = a.localDescription;
  await b.setRemoteDescription({type: 'offer', sdp: sdp.replace(/a=(rid|simulcast):.*\r\n/g, '')});
  await b.setLocalDescription();
  const all = sendEncodings.map(e => e.rid);
  await a.setRemoteDescription({type: 'answer', sdp: b.localDescription.sdp +
    (all.length > 1 ? `${all.map(r => `a=rid:${r} recv\r\n`).join('')}a=simulcast:recv ${all.join(';')}\r\n` : '')});
  window.rig.pcs = {a, b, painting: {close: () => clearInterval(painting)}};
}
const heights = () => window.rig.pcs.a.getStats().then(all => [...all.values()]
  .filter(s => s.type === 'outbound-rtp' && s.frameHeight).map(s => s.frameHeight).sort((x, y) => x - y).join(' '));

export default async function ({test, browsers}) {
  for (const kind of ['chromium', 'firefox']) {
    const page = await (await browsers(kind)).page();
    await call(page, 'make', {color: COLORS.green, frequency: 440, id: 7});
    for (const codec of kind === 'firefox' ? ['VP8', 'VP9'] : ['VP8', 'VP9', 'H264']) {
      await test(`${kind}: ${codec} and Opus, encrypted end to end, are seen and heard`, async () => {
        await page.evaluate(loop, {codec, sendWith: 'one', receiveWith: 'one'});
        await sees(page, 'seen', 'green', {id: 7, timeout: 20000});
        await hears(page, 'seen', 440, {absent: [1000], timeout: 20000});
      });
      await test(`${kind}: ${codec}: the key is turned, and nobody notices`, async () => {
        await page.evaluate(() => window.rig.rings[0].ratchet());
        const before = await page.evaluate(frames);
        await until('more frames', async () => {
          const value = await page.evaluate(frames);
          return {value, ok: value > before + 20};
        }, 20000);
        assert.ok(!(await page.evaluate(() => window.rig.readable)).includes(false));
        await end(page);
      });
    }
    await test(`${kind}: with another key nothing is seen, and that is said`, async () => {
      await page.evaluate(loop, {codec: 'VP8', sendWith: 'one', receiveWith: 'two'});
      await until('it cannot be read', async () => {
        const value = await page.evaluate(() => window.rig.readable);
        return {value, ok: value.includes(false) && !value.includes(true)};
      }, 20000);
      assert.equal(await page.evaluate(frames), 0);
      await end(page);
    });
    await test(`${kind}: a view says how large a picture is, and whether it can be seen`, async () =>
      assert.deepEqual(await page.evaluate(view), ['320x180', '160x180', 'paused', '160x180', 'paused']));
    await page.close();
  }
  const chromium = await browsers('chromium');
  for (const [width, height, want] of [[320, 240, '240'], [640, 360, '180 360'], [640, 480, '240 480'], [960, 540, '135 270 540']])
    await test(`chromium: of ${width}x${height} all sizes are sent that the SDK asks for`, async () => {
      const page = await chromium.page();
      await page.evaluate(sends, width, height);
      await until(`its sizes are ${want}`, async () => {
        const value = await page.evaluate(heights);
        return {ok: value === want, value};
      });
      await end(page);
      await page.close();
    });
  await test('chromium: a chosen camera that is not there is said to be gone', async () => {
    const page = await chromium.page();
    assert.deepEqual(await page.evaluate(refused, {deviceId: 'nothing'}), ['DeviceError', 'gone']);
    await page.close();
  });
  await test('where there are no devices to ask for, that is said', async () => {
    const page = await chromium.page();
    const said = await page.evaluate(async () => {
      Object.defineProperty(navigator, 'mediaDevices', {value: undefined});
      const {camera} = await import('/sdk/devices.js');
      return camera().catch(e => e.code);
    });
    assert.equal(said, 'unsupported');
    await page.close();
  });
}

const frames = async () => [...(await window.rig.pcs.b.getStats()).values()]
  .filter(s => s.type === 'inbound-rtp' && s.kind === 'video').reduce((n, s) => n + (s.framesDecoded ?? 0), 0);
const refused = async options => {
  const {camera} = await import('/sdk/devices.js');
  return camera(options).then(() => null, e => [e.name, e.code]);
};
