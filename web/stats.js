// Turns RTCPeerConnection.getStats() into the few numbers that people look at.

const sum = (all, key) => all.reduce((n, x) => n + (x[key] ?? 0), 0);

// Reads one connection again and again; keeps what the last reading said, since most of the
// numbers are differences. Each reading: {width, height, fps, bps, loss, rtt, codec, level},
// loss and level within 0..1, rtt in seconds; undefined where the browser does not say.
export class Meter {
  #pc = null;
  #last = null;

  async read(pc) {
    if (!pc || pc.connectionState === 'closed') return {};
    const report = await pc.getStats();
    const all = [...report.values()];
    const of = type => all.filter(x => x.type === type);
    const received = of('inbound-rtp'), sent = of('outbound-rtp');
    const outgoing = sent.length > 0;
    const streams = outgoing ? sent : received;
    // Of simulcast layers the largest one that flows is what best describes the stream.
    const video = streams.filter(x => x.kind === 'video' && x.frameHeight && x.active !== false)
      .sort((a, b) => b.frameHeight - a.frameHeight)[0];
    const audio = received.find(x => x.kind === 'audio') ?? of('media-source').find(x => x.kind === 'audio');
    const now = {
      at: streams[0]?.timestamp ?? performance.now(),
      bytes: sum(streams, outgoing ? 'bytesSent' : 'bytesReceived'),
      packets: sum(received, 'packetsReceived'),
      lost: sum(received, 'packetsLost'),
      frames: (outgoing ? video?.framesEncoded : video?.framesDecoded) ?? 0,
    };
    const last = this.#pc === pc ? this.#last : null;
    this.#pc = pc;
    this.#last = now;
    const codec = report.get(video?.codecId)?.mimeType ?? report.get(audio?.codecId)?.mimeType;
    const reading = {
      width: video?.frameWidth, height: video?.frameHeight,
      rtt: roundTrip(report, of), codec: codec?.split('/')[1], level: audio?.audioLevel,
    };
    const seconds = last && (now.at - last.at) / 1000;
    if (!seconds || now.bytes < last.bytes) return reading;
    return {
      ...reading,
      bps: (now.bytes - last.bytes) * 8 / seconds,
      fps: video && Math.max(0, now.frames - last.frames) / seconds,
      loss: outgoing ? reported(of) : lost(now, last),
    };
  }
}

function lost(now, last) {
  const gone = Math.max(0, now.lost - last.lost);
  const expected = gone + Math.max(0, now.packets - last.packets);
  return expected ? gone / expected : 0;
}

// What the server says it did not get, of the stream that fares worst.
function reported(of) {
  const all = of('remote-inbound-rtp').map(x => x.fractionLost).filter(x => x !== undefined);
  return all.length ? Math.max(...all) : undefined;
}

function roundTrip(report, of) {
  const transport = of('transport')[0];
  const pair = report.get(transport?.selectedCandidatePairId) ??
    of('candidate-pair').find(p => p.selected || p.nominated);
  return pair?.currentRoundTripTime ?? of('remote-inbound-rtp')[0]?.roundTripTime;
}
