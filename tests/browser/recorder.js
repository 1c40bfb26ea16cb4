// What a viewer gets, over time: each decoded frame's moment and size, and the statistics four
// times a second. Chromium only. Times are of the wall clock, in ms.

const EVERY = 250;
const clock = () => performance.timeOrigin + performance.now();

const VIDEO = ['bytesReceived', 'headerBytesReceived', 'packetsReceived', 'packetsLost', 'framesReceived',
  'framesDecoded', 'framesDropped', 'keyFramesDecoded', 'frameWidth', 'frameHeight', 'freezeCount',
  'totalFreezesDuration', 'nackCount', 'pliCount', 'retransmittedPacketsReceived', 'jitterBufferDelay',
  'jitterBufferEmittedCount'];
const AUDIO = ['bytesReceived', 'packetsReceived', 'packetsLost', 'concealedSamples', 'silentConcealedSamples',
  'totalSamplesReceived', 'jitterBufferDelay', 'jitterBufferEmittedCount'];
const pick = (o, keys) => Object.fromEntries(keys.map(k => [k, o[k] ?? 0]));

export class Recorder {
  #session;
  #timer;
  #frames = []; // [ms, width, height]
  #samples = []; // {at, video, audio, rtt}
  #begun = clock();

  // Before the session starts, so that the first frame is counted from there.
  constructor(session) {
    this.#session = session;
    const prepare = session.prepare.bind(session);
    session.prepare = pc => {
      prepare(pc);
      pc.addEventListener('track', ({track}) => track.kind === 'video' && this.#read(track));
    };
    this.#timer = setInterval(() => this.#sample(), EVERY);
  }

  // Frames as the decoder gives them, whether or not anything is drawn.
  async #read(track) {
    const reader = new MediaStreamTrackProcessor({track}).readable.getReader();
    for (let r; !(r = await reader.read()).done;) {
      this.#frames.push([clock(), r.value.displayWidth, r.value.displayHeight]);
      r.value.close();
    }
  }

  async #sample() {
    const {pc} = this.#session;
    if (pc?.connectionState !== 'connected') return;
    const report = await pc.getStats(), at = clock(), all = [...report.values()];
    const inbound = kind => all.find(x => x.type === 'inbound-rtp' && x.kind === kind) ?? {};
    this.#samples.push({at, video: pick(inbound('video'), VIDEO), audio: pick(inbound('audio'), AUDIO),
      rtt: all.find(x => x.type === 'candidate-pair' && x.nominated)?.currentRoundTripTime ?? 0});
  }

  all() {
    return {begun: this.#begun, frames: this.#frames, samples: this.#samples};
  }

  stop() {
    clearInterval(this.#timer);
  }
}
