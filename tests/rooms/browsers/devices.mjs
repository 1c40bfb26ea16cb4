// What Chromium's fake devices are fed with, as files: a person before a plain colour, who nods, and
// a voice: a tone in syllables. A tone without an end would be taken for the hum of a machine, by
// browsers and by the server.

import fs from 'node:fs';

const WIDTH = 640, HEIGHT = 360, FPS = 15, FRAMES = 30;
const RATE = 48000, SYLLABLE = 0.18, GAP = 0.06, WORDS = 20; // seconds, and syllables until it begins anew

const SKIN = [206, 160, 130], HAIR = [62, 44, 38], SHIRT = [235, 236, 240];

// BT.601, as the file format has it.
const yuv = ([r, g, b]) => [16 + 0.257 * r + 0.504 * g + 0.098 * b, 128 - 0.148 * r - 0.291 * g + 0.439 * b,
  128 + 0.439 * r - 0.368 * g - 0.071 * b].map(Math.round);

const within = (x, y, cx, cy, rx, ry) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1;

// What is at x, y of a person in a picture whose height is 1.
function person(x, y, nod) {
  if (within(x, y, 0.5 * WIDTH / HEIGHT, 0.36 + nod, 0.165, 0.2)) return within(x, y, 0.5 * WIDTH / HEIGHT, 0.42 + nod, 0.16, 0.19) ? SKIN : HAIR;
  if (within(x, y, 0.5 * WIDTH / HEIGHT, 1.08, 0.42, 0.48)) return SHIRT;
  return null;
}

export function camera(file, color) {
  const out = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FPS}:1 Ip A1:1 C420jpeg\n`)];
  const plane = (nod, part, step) => {
    const p = Buffer.alloc(WIDTH * HEIGHT / step ** 2);
    for (let y = 0, at = 0; y < HEIGHT; y += step) for (let x = 0; x < WIDTH; x += step)
      p[at++] = yuv(person(x / HEIGHT, y / HEIGHT, nod) ?? color)[part];
    return p;
  };
  for (let n = 0; n < FRAMES; n++) {
    const nod = 0.02 * Math.sin(2 * Math.PI * n / FRAMES);
    out.push(Buffer.from('FRAME\n'), plane(nod, 0, 1), plane(nod, 1, 2), plane(nod, 2, 2));
  }
  fs.writeFileSync(file, Buffer.concat(out));
}

export function microphone(file, frequency) {
  const each = Math.round((SYLLABLE + GAP) * RATE), n = each * WORDS, data = Buffer.alloc(44 + 2 * n);
  data.write('RIFF', 0);
  data.writeUInt32LE(36 + 2 * n, 4);
  data.write('WAVEfmt ', 8);
  for (const [at, value, octets] of [[16, 16, 4], [20, 1, 2], [22, 1, 2], [24, RATE, 4], [28, 2 * RATE, 4], [32, 2, 2], [34, 16, 2], [40, 2 * n, 4]])
    data.writeUIntLE(value, at, octets);
  data.write('data', 36);
  for (let i = 0; i < n; i++) {
    const t = (i % each) / RATE, edge = Math.min(1, t / 0.01, Math.max(0, SYLLABLE - t) / 0.01);
    data.writeInt16LE(Math.round(9000 * edge * Math.sin(2 * Math.PI * frequency * i / RATE)), 44 + 2 * i);
  }
  fs.writeFileSync(file, data);
}

// Flags of a Chromium whose devices these are.
export function flags(directory, {color, frequency}) {
  const [picture, voice] = [`${directory}/${frequency}.y4m`, `${directory}/${frequency}.wav`];
  camera(picture, color);
  microphone(voice, frequency);
  return [`--use-file-for-fake-video-capture=${picture}`, `--use-file-for-fake-audio-capture=${voice}`];
}
