// Numbers of what is sent and received, from what the browser counts.

const pick = (o, keys) => Object.fromEntries(keys.filter(k => o?.[k] !== undefined).map(k => [k, o[k]]));

// One track's: entries of the report that belong to it, before and now. An encoding of simulcast
// is an entry. Times in ms, rates in bit/s, loss from 0 to 1.
export function measure(now, before, at, then) {
  const seconds = (at - then) / 1000;
  const sum = (entries, key) => entries.reduce((n, e) => n + (e[key] ?? 0), 0);
  const rate = key => before && seconds > 0 ? Math.max(0, (sum(now, key) - sum(before, key)) / seconds) : undefined;
  const best = now.reduce((m, e) => (e.frameHeight ?? 0) > (m.frameHeight ?? 0) ? e : m, now[0] ?? {});
  const lost = before ? sum(now, 'packetsLost') - sum(before, 'packetsLost') : undefined;
  const got = before ? sum(now, 'packetsReceived') - sum(before, 'packetsReceived') : undefined;
  const sent = now[0]?.type === 'outbound-rtp', bytes = sent ? 'bytesSent' : 'bytesReceived';
  const reported = now.map(e => e.fractionLost).filter(v => v !== undefined); // by the server, of what is sent
  return {
    bps: rate(bytes) === undefined ? undefined : rate(bytes) * 8,
    loss: sent ? reported.length ? Math.max(...reported) : undefined :
      lost === undefined || got + lost <= 0 ? undefined : Math.max(0, lost) / (got + lost),
    width: best.frameWidth, height: best.frameHeight, fps: best.framesPerSecond,
    jitter: now[0]?.jitter === undefined ? undefined : now[0].jitter * 1000,
    ...pick(best, ['audioLevel', 'freezeCount', 'totalFreezesDuration', 'qualityLimitationReason', 'framesDecoded', 'framesEncoded']),
    encodings: now.filter(e => e.rid).map(e => ({...pick(e, ['rid', 'active']), width: e.frameWidth, height: e.frameHeight})),
  };
}

// Reads a connection, and remembers the last look.
export class Meter {
  #then = 0;
  #before = new Map(); // mid: entries

  // {rtt, available, tracks: Map of mid: measures}
  async read(pc) {
    if (!pc) return {tracks: new Map()};
    const report = await pc.getStats(), at = performance.now();
    const all = [...report.values()], groups = new Map();
    const mids = new Map(pc.getTransceivers().flatMap(t => [[t.receiver.track?.id, t.mid], [t.sender.track?.id, t.mid]]));
    for (const e of all.filter(x => x.type === 'inbound-rtp' || x.type === 'outbound-rtp')) {
      const mid = e.mid ?? mids.get(e.trackIdentifier);
      if (mid === undefined || mid === null) continue;
      if (!groups.has(mid)) groups.set(mid, []);
      groups.get(mid).push({...e, fractionLost: report.get(e.remoteId)?.fractionLost, codec: report.get(e.codecId)?.mimeType?.split('/')[1]});
    }
    const transport = all.find(x => x.type === 'transport');
    const pair = report.get(transport?.selectedCandidatePairId) ?? all.find(x => x.type === 'candidate-pair' && x.nominated);
    const tracks = new Map([...groups].map(([mid, entries]) =>
      [mid, {codec: entries[0].codec, ...measure(entries, this.#before.get(mid), at, this.#then)}]));
    [this.#before, this.#then] = [groups, at];
    return {rtt: pair?.currentRoundTripTime === undefined ? undefined : pair.currentRoundTripTime * 1000,
      available: pair?.availableOutgoingBitrate, tracks};
  }
}
