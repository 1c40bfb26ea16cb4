// What a test needs inside a participant's page, under window.rig.
//
// Each publisher is told apart by a flat background colour and by a stamp: a row of 32 black
// or white cells that hold an 8-bit id and the low 24 bits of the wall clock in ms. Its sound
// is a pure tone.

import {Publisher, SIMULCAST} from '/web/whip.js';
import {Viewer} from '/web/whep.js';
import {Recorder} from '/recorder.js';

const CELLS = 32, AMPLITUDE = 64;
const sleep = ms => new Promise(r => setTimeout(r, ms));
const clock = () => Math.floor(performance.timeOrigin + performance.now());
const rig = window.rig = {
  pcs: {}, // connections by name
  sessions: {}, // WHIP and WHEP sessions by name; their connections are in pcs too
  states: {}, // what states each session went through
  streams: {}, // what is sent and received, by name
  records: {}, // of viewers
  requests: [], // what was asked of the server: {method, path, status}
  SIMULCAST, Recorder,
  vias: {}, // by URL that is posted to: the address and port that media shall go to instead, or 'tcp'
};

const plain = window.fetch;
window.fetch = async (url, init = {}) => {
  const asked = {method: init.method ?? 'GET', path: new URL(url, location.href).pathname, status: 0};
  rig.requests.push(asked);
  const response = await plain(url, init);
  asked.status = response.status;
  const via = asked.method === 'POST' && rig.vias[url];
  if (via) {
    const text = await response.text();
    response.text = async () => redirected(text, via);
  }
  return response;
};

// An answer with one candidate, elsewhere; or without those that UDP reaches.
function redirected(answer, via) {
  let n = 0;
  return answer.replace(/^a=candidate:(\S+ 1 (\S+) \S+) .*?\r\n/gim, (line, head, transport) => {
    if (via === 'tcp') return transport === 'tcp' ? line : '';
    return n++ ? '' : `a=candidate:${head} ${via.address} ${via.port} typ host\r\n`;
  });
}

// ---- making and showing media -------------------------------------------------------------

let context;
async function audio() {
  context ??= new AudioContext({sampleRate: 48000});
  if (context.state !== 'running') await context.resume();
  return context;
}

// Draws grain on a canvas, elsewhere each time: noise around a middle grey.
function grain(g, width, height) {
  const noise = new OffscreenCanvas(2 * width, 2 * height), n = noise.getContext('2d');
  const pixels = n.createImageData(noise.width, noise.height);
  for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = i % 4 === 3 ? 255 : 128 + (Math.random() - 0.5) * AMPLITUDE;
  n.putImageData(pixels, 0, 0);
  return () => g.drawImage(noise, -Math.floor(Math.random() * width), -Math.floor(Math.random() * height));
}

// color: [r, g, b], or null for no picture; frequency: Hz, or 0 for no sound; id: 0..255.
// camera: what the browser was given as such, in place of a colour.
rig.make = async ({name = 'local', color = null, camera = false, frequency = 0, id = 0,
                   width = 640, height = 360, fps = 30}) => {
  const stream = new MediaStream(), stop = [];
  let speech, grainy;
  if (camera) {
    const taken = await navigator.mediaDevices.getUserMedia({
      video: {width, height, frameRate: fps}});
    stream.addTrack(taken.getVideoTracks()[0]);
    stop.push(() => taken.getVideoTracks()[0].stop());
  }
  if (color) {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, {width, height});
    const g = canvas.getContext('2d');
    let n = 0, ground = () => {
      g.fillStyle = `rgb(${color.join(',')})`;
      g.fillRect(0, 0, width, height);
    };
    grainy = size => {
      ({width, height} = Object.assign(canvas, size));
      ground = grain(g, width, height);
    };
    const draw = () => {
      ground();
      // Something that moves, so that there is something to code in each frame.
      g.fillStyle = `hsl(${n * 7 % 360} 60% 50%)`;
      g.fillRect(n * 16 % width, height * 3 / 4, width / 10, height / 4);
      n++;
      const bits = id * 2 ** 24 + clock() % 2 ** 24;
      for (let i = 0; i < CELLS; i++) {
        g.fillStyle = Math.floor(bits / 2 ** (CELLS - 1 - i)) % 2 ? '#fff' : '#000';
        g.fillRect(i * width / CELLS, 0, width / CELLS, height / 8);
      }
    };
    draw();
    const timer = setInterval(draw, 1000 / fps);
    stop.push(() => clearInterval(timer));
    stream.addTrack(canvas.captureStream(fps).getVideoTracks()[0]);
  }
  if (frequency) {
    const ctx = await audio();
    const tone = ctx.createOscillator(), gain = ctx.createGain(), out = ctx.createMediaStreamDestination();
    out.channelCount = 1;
    tone.frequency.value = frequency;
    gain.gain.value = 0.3;
    tone.connect(gain).connect(out);
    tone.start();
    stop.push(() => tone.stop());
    stream.addTrack(out.stream.getAudioTracks()[0]);
    speech = gain.gain;
  }
  rig.streams[name] = {stream, speech, grainy, stop: () => stop.forEach(f => f())};
};

// Its picture is from now on grain, of that size: it takes all bits that it can get.
rig.grainy = (size, name = 'local') => rig.streams[name].grainy(size);

// Its tone is from now on as loud as speech, or there is silence.
rig.speak = (speaks, name = 'local') => {
  rig.streams[name].speech.value = speaks ? 0.3 : 0;
};

// In words, with silence between them: a tone that never pauses is the hum of a machine. Or silence.
rig.talk = (talks, name = 'local') => {
  const slot = rig.streams[name], gain = on => slot.speech.value = on ? 0.3 : 0;
  clearInterval(slot.words);
  let n = 0;
  if (talks) slot.words = setInterval(() => gain(++n % 3), 100);
  gain(talks);
};

// Chromium hands remote sound to Web Audio only while an element plays it; muted will do.
function show(name, stream) {
  const element = Object.assign(document.createElement('video'), {muted: true, autoplay: true, playsInline: true});
  element.srcObject = stream;
  document.body.append(element);
  rig.streams[name] = {stream, element};
  stream.addEventListener('addtrack', () => element.play().catch(() => {}));
}

rig.show = show;

// ---- sessions -----------------------------------------------------------------------------

function keep(key, session) {
  rig.sessions[key] = session;
  rig.states[key] = [];
  session.addEventListener('state', ({detail}) =>
    rig.states[key].push(detail.error ? `${detail.state}: ${detail.error.message}` : detail.state));
  Object.defineProperty(rig.pcs, key, {get: () => session.pc, configurable: true, enumerable: true});
}

rig.publish = async (key, {url, token, via, codec, simulcast, encodings, source = 'local'}) => {
  const {stream} = rig.streams[source];
  const session = new Publisher({url, token, codec, encodings: simulcast ? SIMULCAST : encodings,
    audio: stream.getAudioTracks()[0], video: stream.getVideoTracks()[0]});
  if (via) rig.vias[url] = via;
  keep(key, session);
  await session.start();
};

// via: {address, port} of a relay in front of the server's media port. recorded: see recorder.js.
rig.watch = async (key, {url, token, via, recorded}) => {
  const session = new Viewer({url, token});
  if (via) rig.vias[url] = via;
  keep(key, session);
  show(key, session.stream);
  if (recorded) rig.records[key] = new Recorder(session);
  await session.start();
};

// What a recorded viewer saw and heard until now.
rig.recorded = key => rig.records[key].all();

// What a viewer wants of the picture, and what it is told of what it gets.
rig.wish = (key, members) => rig.sessions[key].wish(members);
rig.tracks = key => rig.sessions[key].tracks();

// How long after wanting it the first frame of this height was there, in ms.
rig.wishFor = async (key, members, height, ms = 60000) => {
  const {element} = rig.streams[key], begun = performance.now();
  const there = new Promise((resolve, reject) => {
    const look = (_, {height: h}) => h === height ? resolve(performance.now() - begun) : element.requestVideoFrameCallback(look);
    element.requestVideoFrameCallback(look);
    setTimeout(() => reject(new Error(`${key}: no ${height} lines in ${ms} ms`)), ms);
  });
  await rig.wish(key, members);
  return there;
};

// The machine must not be what limits: the encoder keeps its size and pace, whatever it costs.
rig.keep = async key => {
  const sender = rig.pcs[key].getSenders().find(s => s.track?.kind === 'video'), p = sender.getParameters();
  p.degradationPreference = 'maintain-framerate-and-resolution';
  await sender.setParameters(p);
};

rig.restart = key => rig.sessions[key].restart();

rig.stop = async key => {
  await rig.sessions[key].stop();
  rig.streams[key]?.element?.remove();
  rig.records[key]?.stop();
  delete rig.records[key];
  delete rig.sessions[key];
  delete rig.pcs[key];
};

rig.connected = async (key, ms = 60000) => {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(20))
    if (rig.pcs[key]?.connectionState === 'connected') return true;
  throw new Error(`${key}: ${rig.pcs[key]?.connectionState}; ${rig.states[key]?.join(', ')}`);
};

// ---- looking and listening ------------------------------------------------------------------

// One look at a stream's picture: mean colour of the middle, stamp, size; null: none yet.
const eye = document.createElement('canvas');
rig.look = name => {
  const element = rig.streams[name]?.element;
  if (!element?.videoWidth) return null;
  const {videoWidth: width, videoHeight: height} = element;
  Object.assign(eye, {width, height});
  const g = eye.getContext('2d', {willReadFrequently: true});
  g.drawImage(element, 0, 0);
  const now = clock();
  const mean = (...box) => {
    const [x, y, w, h] = box.map(Math.floor);
    const {data} = g.getImageData(x, y, Math.max(1, w), Math.max(1, h));
    const sum = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) for (let k = 0; k < 3; k++) sum[k] += data[i + k];
    return sum.map(v => Math.round(v * 4 / data.length));
  };
  const cell = width / CELLS;
  let bits = 0, sure = true;
  for (let i = 0; i < CELLS; i++) {
    const [, v] = mean(i * cell + cell / 4, height / 32, cell / 2, height / 16);
    if (v > 80 && v < 175) sure = false;
    bits = bits * 2 + (v >= 128 ? 1 : 0);
  }
  return {
    width, height, color: mean(width / 4, height / 4, width / 2, height / 4),
    stamp: sure ? {id: Math.floor(bits / 2 ** 24), ageMs: (now - bits % 2 ** 24 + 2 ** 25) % 2 ** 24} : null,
  };
};

// Level, in dB of full scale, at each of the frequencies; null: no sound there.
rig.hear = async (name, frequencies, ms = 600) => {
  const slot = rig.streams[name];
  if (!slot?.stream.getAudioTracks().length) return null;
  const ctx = await audio();
  const track = slot.stream.getAudioTracks()[0];
  if (slot.heard !== track) { // after a reconnection it is another one
    rig.deaf(name);
    slot.heard = track;
    slot.analyser = ctx.createAnalyser();
    Object.assign(slot.analyser, {fftSize: 8192, smoothingTimeConstant: 0});
    slot.source = ctx.createMediaStreamSource(new MediaStream([track]));
    slot.source.connect(slot.analyser);
    await sleep(300);
  }
  const bins = new Float32Array(slot.analyser.frequencyBinCount);
  const peak = new Float32Array(bins.length).fill(-200);
  for (const end = performance.now() + ms; performance.now() < end; await sleep(60)) {
    slot.analyser.getFloatFrequencyData(bins);
    bins.forEach((v, i) => peak[i] = Math.max(peak[i], v));
  }
  const width = ctx.sampleRate / slot.analyser.fftSize;
  return frequencies.map(f => {
    const b = Math.round(f / width);
    return Math.round(Math.max(peak[b - 1], peak[b], peak[b + 1]));
  });
};

// Listens to it no longer: what is listened to costs the page's one audio thread.
rig.deaf = name => {
  const slot = rig.streams[name];
  slot.source?.disconnect();
  slot.source = slot.analyser = slot.heard = null;
};

// ---- statistics -----------------------------------------------------------------------------

const pick = (o, keys) => Object.fromEntries(keys.filter(k => o[k] !== undefined).map(k => [k, o[k]]));
rig.stats = async key => {
  const pc = rig.pcs[key], report = await pc.getStats();
  const all = [...report.values()], of = type => all.filter(x => x.type === type);
  const transport = of('transport')[0];
  const pair = report.get(transport?.selectedCandidatePairId) ??
    of('candidate-pair').find(p => p.selected) ?? of('candidate-pair').find(p => p.nominated);
  const stream = (x, keys) => ({codec: report.get(x.codecId)?.mimeType, ...pick(x, keys)});
  return {
    at: performance.now(), state: pc.connectionState,
    ufrag: /a=ice-ufrag:(\S+)/.exec(pc.localDescription.sdp)[1],
    remoteUfrag: /a=ice-ufrag:(\S+)/.exec(pc.remoteDescription.sdp)[1],
    transport: transport && pick(transport, ['dtlsState', 'tlsVersion', 'dtlsCipher', 'srtpCipher']),
    pair: pair && {
      ...pick(pair, ['currentRoundTripTime', 'availableOutgoingBitrate']),
      local: report.get(pair.localCandidateId)?.address, remote: report.get(pair.remoteCandidateId)?.address,
    },
    inbound: of('inbound-rtp').map(x => stream(x, ['kind', 'ssrc', 'packetsReceived', 'packetsLost',
      'bytesReceived', 'framesDecoded', 'keyFramesDecoded', 'frameWidth', 'frameHeight', 'freezeCount',
      'totalFreezesDuration', 'nackCount', 'pliCount', 'retransmittedPacketsReceived', 'concealedSamples',
      'totalSamplesReceived'])),
    outbound: of('outbound-rtp').map(x => stream(x, ['kind', 'rid', 'ssrc', 'active', 'packetsSent',
      'bytesSent', 'headerBytesSent', 'framesEncoded', 'keyFramesEncoded', 'frameWidth', 'frameHeight', 'targetBitrate', 'nackCount', 'pliCount'])),
    reported: of('remote-inbound-rtp').map(x => pick(x, ['kind', 'packetsLost', 'fractionLost', 'roundTripTime'])),
  };
};

// ---- without a server -----------------------------------------------------------------------

// Two connections of this page, for the rig's own test.
rig.loop = async (source, into) => {
  const a = rig.pcs.a = new RTCPeerConnection(), b = rig.pcs.b = new RTCPeerConnection();
  const gathered = pc => new Promise(r => {
    const look = () => pc.iceGatheringState === 'complete' && r();
    pc.addEventListener('icegatheringstatechange', look);
    look();
  });
  const stream = new MediaStream();
  show(into, stream);
  b.addEventListener('track', e => {
    stream.addTrack(e.track);
    rig.streams[into].element.play().catch(() => {});
  });
  for (const t of rig.streams[source].stream.getTracks()) a.addTrack(t, rig.streams[source].stream);
  await a.setLocalDescription();
  await gathered(a);
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  await gathered(b);
  await a.setRemoteDescription(b.localDescription);
};
