// Janus: the videoroom of its package, spoken to by its HTTP API; ICE-lite, as Sluice is.

import {spawn} from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {startImpair} from '../../tests/browser/impair.mjs';
import {call} from '../../tests/browser/rig.mjs';
import {until} from '../../tests/browser/until.mjs';

const PROGRAM = '/usr/bin/janus';
export const hasJanus = () => fs.existsSync(PROGRAM);

const OFF = {
  plugins: ['audiobridge', 'duktape', 'echotest', 'lua', 'nosip', 'recordplay', 'sip', 'streaming', 'textroom',
    'videocall', 'voicemail'],
  transports: ['mqtt', 'nanomsg', 'pfunix', 'rabbitmq', 'websockets'],
};
const off = kind => OFF[kind].map(n => `libjanus_${n}.so`).join(',');
const configuration = (address, port) => ({
  'janus.jcfg': `general: { debug_level = 1, session_timeout = 0 }
nat: { ice_lite = true, ice_enforce_list = "${address}" }
plugins: { disable = "${off('plugins')}" }
transports: { disable = "${off('transports')}" }
events: { broadcast = false }
`,
  'janus.transport.http.jcfg': `general: { json = "compact", base_path = "/janus", http = true, ip = "127.0.0.1", port = ${port}, https = false }
admin: { admin_http = false, admin_https = false }
`,
  'janus.plugin.videoroom.jcfg': 'general: { }\n',
});

// It does not use the loopback interface.
const ownAddress = () => Object.values(os.networkInterfaces()).flat().find(a => a.family === 'IPv4' && !a.internal)?.address;
const freePort = () => new Promise(resolve => {
  const s = net.createServer().listen(0, '127.0.0.1', () => {
    const {port} = s.address();
    s.close(() => resolve(port));
  });
});

// What the page does, since rig.js speaks WHIP and WHEP only. join and start are ours, below.
function inPage() {
  const {rig} = window, bare = sdp => sdp.replace(/^a=candidate:.*\r\n/gm, '');
  rig.janusPublish = async key => {
    const pc = rig.pcs[key] = new RTCPeerConnection({bundlePolicy: 'max-bundle'}), {stream} = rig.streams.local;
    for (const track of stream.getTracks())
      pc.addTransceiver(track, {direction: 'sendonly', streams: [stream],
        ...(track.kind === 'video' ? {sendEncodings: rig.SIMULCAST} : {})});
    await pc.setLocalDescription();
    await pc.setRemoteDescription({type: 'answer', sdp: await window.janusPublish(bare(pc.localDescription.sdp))});
  };
  rig.janusWatch = async key => {
    const stream = new MediaStream(), session = {prepare: () => {}};
    rig.records[key] = new rig.Recorder(session);
    const sdp = await window.janusJoin();
    const pc = rig.pcs[key] = session.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
    session.prepare(pc);
    pc.addEventListener('track', ({track}) => stream.addTrack(track));
    rig.show(key, stream);
    await pc.setRemoteDescription({type: 'offer', sdp});
    await pc.setLocalDescription();
    await window.janusStart(bare(pc.localDescription.sdp));
  };
}

export async function startJanus() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'janus-')), port = await freePort(), address = ownAddress();
  for (const [name, text] of Object.entries(configuration(address, port))) fs.writeFileSync(path.join(folder, name), text);
  const child = spawn(PROGRAM, [`--configs-folder=${folder}`, '--disable-colors'], {stdio: 'ignore'});
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const base = `http://127.0.0.1:${port}/janus`;
  await until('janus', async () => ({ok: (await fetch(`${base}/info`).catch(() => null))?.ok}));

  const ask = async (url, body) => {
    const r = await fetch(url, body && {method: 'POST', body: JSON.stringify({transaction: 'now', ...body})});
    const answer = await r.json();
    const error = answer.error?.reason ?? answer.plugindata?.data?.error;
    if (error) throw new Error(`janus: ${error}`);
    return answer;
  };
  // A session with one handle; tell() gives the plugin's answer, which comes as an event.
  const enter = async () => {
    const session = `${base}/${(await ask(base, {janus: 'create'})).data.id}`;
    const handle = `${session}/${(await ask(session, {janus: 'attach', plugin: 'janus.plugin.videoroom'})).data.id}`;
    return {
      tell: async (body, jsep) => {
        let a = await ask(handle, {janus: 'message', body, jsep});
        while (a.janus !== 'event' && a.janus !== 'success') a = await ask(session);
        return a;
      },
      leave: () => ask(session, {janus: 'destroy'}),
    };
  };
  // Media goes by a relay: to the address in the SDP, which then names the relay.
  const redirect = async (sdp, conditions) => {
    const [, to, at] = /^a=candidate:\S+ 1 udp \S+ (\S+) (\d+) /im.exec(sdp);
    const relay = await startImpair({address: to, port: Number(at), ...conditions});
    let n = 0;
    return {relay, sdp: sdp.replace(/^a=candidate:(\S+ 1 udp \S+) \S+ \d+ typ host.*?\r\n/gim, (_, head) =>
      n++ ? '' : `a=candidate:${head} ${relay.address} ${relay.port} typ host\r\n`)};
  };
  let rooms = 1000;
  return {
    name: 'janus',
    publish: async (page, {path: conditions}) => {
      const {tell, leave} = await enter(), room = ++rooms;
      await tell({request: 'create', room, publishers: 1, bitrate: 0, audiocodec: 'opus', videocodec: 'vp8'});
      let relay;
      await page.evaluate(inPage);
      await page.exposeFunction('janusPublish', async offer => {
        const {jsep} = await tell({request: 'joinandconfigure', ptype: 'publisher', room, id: 1}, {type: 'offer', sdp: offer, rid_order: 'lmh'});
        if (!conditions) return jsep.sdp;
        const by = await redirect(jsep.sdp, conditions);
        ({relay} = by);
        return by.sdp;
      });
      await call(page, 'janusPublish', 'pub');
      await call(page, 'connected', 'pub');
      return {room, stop: async () => {
        await leave();
        relay?.stop();
      }};
    },
    watch: async (page, {room}, conditions, seed) => {
      const {tell, leave} = await enter();
      let relay;
      await page.evaluate(inPage);
      await page.exposeFunction('janusJoin', async () => {
        const {jsep} = await tell({request: 'join', ptype: 'subscriber', room, streams: [{feed: 1}]});
        const by = await redirect(jsep.sdp, {...conditions, seed});
        ({relay} = by);
        return by.sdp;
      });
      await page.exposeFunction('janusStart', async answer => {
        await tell({request: 'start'}, {type: 'answer', sdp: answer});
      });
      await call(page, 'janusWatch', 'sub');
      await call(page, 'connected', 'sub');
      return {relay, stop: async () => {
        await leave();
        relay.stop();
      }};
    },
    estimate: () => false, // it makes none
    stop: async () => {
      process.off('exit', kill);
      const ended = new Promise(r => child.on('exit', r));
      child.kill('SIGTERM');
      await ended;
      fs.rmSync(folder, {recursive: true});
    },
  };
}
