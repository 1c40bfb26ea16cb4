// Why a picture is as it is, in a line for people: from what the server says of the track (the
// layer resource of WHEP) and the lines that are shown.

// 712345: "710 kbit/s".
function rate(bps) {
  const [value, unit] = bps >= 1e6 ? [bps / 1e6, 'Mbit/s'] : [bps / 1e3, 'kbit/s'];
  return `${Number(value.toPrecision(2))} ${unit}`;
}

const SAID = {
  none: () => 'the best that is sent',
  subscriber_bandwidth: t => t.estimate_bps ? `your network gives ${rate(t.estimate_bps)}` : 'your network gives no more',
  viewport: () => 'enough for this size',
  layer_selection: () => 'as it was chosen',
  paused_by_viewer: () => 'you paused it',
  publisher: () => 'the sender gives no more',
  publisher_above_max_bps: () => 'the sender sends more than it may',
  paused_for_nobody: () => 'a better picture is on its way',
  not_among_the_loudest: () => 'others are louder',
  waiting_for_keyframe: () => 'the picture is on its way',
};

// "360p: your network gives 700 kbit/s". Empty where there is nothing to say.
export function why(track, height) {
  const said = SAID[track?.cause]?.(track);
  if (!said) return '';
  if (track.sent && height) return `${height}p: ${said}`;
  return `${track.sent ? '' : 'Paused: '}${said}`.replace(/^./, c => c.toUpperCase());
}
