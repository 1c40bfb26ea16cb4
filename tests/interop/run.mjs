// usage: node run.mjs
//
// Clients that are not browsers against the real server: GStreamer's webrtcbin and Pion publish,
// a browser looks; a browser publishes, Pion watches. Needs build/interop/pion.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {done, test} from '../browser/harness.mjs';
import {publisher, viewer} from '../browser/participants.mjs';
import {COLORS, inbound, launch, until} from '../browser/rig.mjs';
import {freePort} from '../browser/ports.mjs';
import {startServer} from '../browser/server.mjs';

const GST = fileURLToPath(new URL('gst.py', import.meta.url));
const PION = fileURLToPath(new URL('../../build/interop/pion', import.meta.url));

// Starts a client that ends, and says how, when its input ends.
function start(command, ...args) {
  const child = spawn(command, args, {stdio: ['pipe', 'pipe', 'pipe']});
  let out = '', err = '';
  child.stdout.on('data', d => { out += d; });
  child.stderr.on('data', d => { err += d; });
  child.stdin.on('error', () => {});
  const ended = new Promise((resolve, reject) => child.on('exit', (code, signal) =>
    code === 0 ? resolve(out) : reject(new Error(`${command.split('/').pop()} ended with ${code ?? signal}: ${err.slice(-400)}`))));
  ended.catch(() => {}); // whoever awaits it hears of it
  return {ended, stop: () => {
    child.stdin.end();
    return ended;
  }};
}

const server = await startServer({name: 'interop'});
const browser = await launch('chromium');
const token = room => server.token({room, publish: true, watch: true});

const live = (room, stream) => until(`${stream} live`, async () => {
  const value = await server.streams(room);
  return {value, ok: value.some(x => x.name === stream)};
});

// What a browser sees and hears of a stream whose publisher stamps nothing; without a codec, it hears only.
async function look(room, stream, color, frequency, codec) {
  await live(room, stream);
  const v = await viewer(server, browser, {room, stream, color, frequency});
  const picture = codec && await v.sees(20000);
  await v.hears([440, 1000]);
  if (codec) {
    await until(`video/${codec}`, async () => { // statistics may come a moment after the picture
      const value = (await inbound(v.page, v.key)).codec;
      return {value, ok: value === `video/${codec}`};
    });
    assert.equal(`${picture.width}x${picture.height}`, '640x360');
  }
  const {codec: sound} = await inbound(v.page, v.key, 'audio');
  await v.stop();
  return sound;
}

// What GStreamer decodes of a stream. Pictures: by libav, which coded none of them. Sounds: the browser hears them, too.
async function decode(room, stream, color, frequency, ...codecs) {
  await live(room, stream);
  const said = await start('/usr/bin/python3', GST, 'whep', server.whep(room, stream), await token(room), ...codecs).ended;
  const {size, first_color: begun, color: seen, hertz, first_frame_ms: first} = JSON.parse(said);
  assert.deepEqual([size, hertz], ['640x360', frequency], said);
  for (const shown of [begun, seen]) // a viewer begins with a whole picture
    COLORS[color].forEach((c, i) => assert.ok(Math.abs(c - shown[i]) <= 60, said));
  return `first frame after ${first} ms`;
}

// A browser shows no H.265, and is sent the sound alone.
const PUBLISHED = [['VP8', 'OPUS'], ['H264', 'OPUS'], ['H265', 'G722'], ['VP8', 'PCMU'], ['H264', 'PCMA']];
for (const [video, audio] of PUBLISHED)
  await test(`GStreamer publishes ${video} and ${audio}`, async () => {
    const room = `gst-${video}-${audio}`;
    const client = start('/usr/bin/python3', GST, 'whip', server.whip(room, 'gst'), await token(room), video, audio, '1e1edc', '700');
    const shown = video !== 'H265' && video;
    const seen = Promise.all([look(room, 'gst', 'blue', 700, shown), decode(room, 'gst', 'blue', 700, video, audio)]);
    const [sound, said] = await Promise.race([seen, client.ended]);
    await client.stop();
    assert.match(sound, new RegExp(`^audio/${audio}$`, 'i'));
    assert.deepEqual(await server.streams(room), [], 'DELETE ends the stream');
    return said;
  });

await test('Pion publishes VP8 and Opus', async () => {
  const [video, audio] = await Promise.all([freePort(), freePort()]);
  const client = start(PION, 'publish', server.whip('pion', 'pion'), await token('pion'), String(video), String(audio));
  const source = start('/usr/bin/python3', GST, 'rtp', String(video), String(audio), 'dc1e1e', '880');
  await Promise.race([client.ended, source.ended, look('pion', 'pion', 'red', 880, 'VP8')]);
  await source.stop();
  await client.stop();
});

await test('Pion watches a browser', async () => {
  const p = await publisher(server, browser, {room: 'pion-watches', color: 'green', codec: 'VP8'});
  const said = await start(PION, 'watch', server.whep('pion-watches', p.stream), await token('pion-watches'), '4').ended;
  const {audio, video} = JSON.parse(said);
  await p.stop();
  assert.match(audio.codec, /opus/i);
  assert.match(video.codec, /VP8/i);
  assert.ok(audio.packets > 100 && video.packets > 60, said);
  assert.deepEqual([audio.gaps, video.gaps, audio.ssrcs, video.ssrcs], [0, 0, 1, 1], said);
  assert.ok(audio.reports > 0 && video.reports > 0, 'sender reports');
  assert.match(video.key_size, /^\d+x\d+$/, 'a key frame came first');
  return said.trim();
});

await browser.close();
await test('the server ends when told, without a complaint', () => server.stop());
process.exit(done());
