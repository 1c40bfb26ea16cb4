// usage: node run.mjs
//
// Clients that are not browsers against the real server: GStreamer's webrtcbin and Pion publish,
// a browser looks; a browser publishes, Pion watches. Needs build/interop/pion.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {done, test} from '../browser/harness.mjs';
import {publisher, viewer} from '../browser/participants.mjs';
import {inbound, launch, until} from '../browser/rig.mjs';
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

// What a browser sees of a stream whose publisher stamps nothing.
async function look(room, stream, color, frequency, codec) {
  await until(`${stream} live`, async () => {
    const value = await server.streams(room);
    return {value, ok: value.some(x => x.name === stream)};
  });
  const v = await viewer(server, browser, {room, stream, color, frequency});
  const {width, height} = await v.sees(20000);
  await v.hears([440, 1000]);
  await until(`video/${codec}`, async () => { // statistics may come a moment after the picture
    const value = (await inbound(v.page, v.key)).codec;
    return {value, ok: value === `video/${codec}`};
  });
  assert.equal(`${width}x${height}`, '640x360');
  await v.stop();
}

for (const codec of ['VP8', 'H264'])
  await test(`GStreamer publishes ${codec} and Opus`, async () => {
    const room = `gst-${codec}`;
    const client = start('/usr/bin/python3', GST, 'whip', server.whip(room, 'gst'), await token(room), codec, '1e1edc', '700');
    await Promise.race([client.ended, look(room, 'gst', 'blue', 700, codec)]);
    await client.stop();
    assert.deepEqual(await server.streams(room), [], 'DELETE ends the stream');
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
