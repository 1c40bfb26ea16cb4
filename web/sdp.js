// The little that trickle ICE needs of a session description: fragments of it, sent by PATCH
// (RFC 8840 §9, RFC 9725 §4.3). Text in, text out; no connection is touched here.

const lines = sdp => sdp.split(/\r?\n/).filter(Boolean);
const value = (sdp, name) => lines(sdp).find(l => l.startsWith(`a=${name}:`))?.slice(name.length + 3);

// Of a whole description or a fragment; undefined where there are none.
export const credentials = sdp => ({ufrag: value(sdp, 'ice-ufrag'), pwd: value(sdp, 'ice-pwd')});

// What to tell the server of our side. candidates: RTCIceCandidates of this offer; all
// sections are bundled, so those of the first one serve. done: no more will come.
export function fragment(offer, candidates, done) {
  const {ufrag, pwd} = credentials(offer);
  const all = lines(offer);
  const mline = all.find(l => l.startsWith('m='));
  const mid = value(offer, 'mid') ?? '0';
  return [
    ...all.filter(l => l.startsWith('a=group:BUNDLE')),
    mline.replace(/^m=(\S+) \d+/, 'm=$1 9'),
    `a=mid:${mid}`,
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    ...candidates.filter(c => c.sdpMid === mid || c.sdpMLineIndex === 0).map(c => `a=${c.candidate}`),
    ...(done ? ['a=end-of-candidates'] : []),
    '',
  ].join('\r\n');
}

// The answer as it is after an ICE restart: the credentials, and the candidates where the
// server names any, are those of its fragment; all else stays as it was agreed.
export function restarted(answer, frag) {
  const {ufrag, pwd} = credentials(frag);
  const fresh = lines(frag).filter(l => l.startsWith('a=candidate:'));
  const out = [];
  let section = -1;
  const close = () => {
    if (section === 0) out.push(...fresh);
  };
  for (const line of lines(answer)) {
    if (line.startsWith('m=')) {
      close();
      section++;
    }
    if (fresh.length && /^a=(candidate:|end-of-candidates)/.test(line)) continue;
    if (line.startsWith('a=ice-ufrag:')) out.push(`a=ice-ufrag:${ufrag}`);
    else if (line.startsWith('a=ice-pwd:')) out.push(`a=ice-pwd:${pwd}`);
    else out.push(line);
  }
  close();
  return out.join('\r\n') + '\r\n';
}

// What a Link header names (RFC 8288): [{url, rel, ...}].
const links = header => [...(header ?? '').matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+="[^"]*")*)/g)].map(([, url, params]) =>
  ({url, ...Object.fromEntries([...params.matchAll(/([\w-]+)="([^"]*)"/g)].map(m => [m[1], m[2]]))}));

// The URL of this relation, undefined where there is none.
export const linked = (header, rel) => links(header).find(l => l.rel === rel)?.url;

// The ICE servers (RFC 9725 §4.6), as RTCPeerConnection wants them.
export const iceServers = header => links(header).filter(l => l.rel === 'ice-server').map(({url, username, credential}) =>
  username ? {urls: url, username, credential} : {urls: url});
