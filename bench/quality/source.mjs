// The picture that is published: a file that Chromium takes for its camera (YUV4MPEG2). It is
// made to cost what a camera's costs: a textured scene that moves, things that move before it,
// and grain, which no frame predicts. It repeats without a seam.

import fs from 'node:fs';

const FRAMES = 60;

function generator(seed) { // mulberry32
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6D2B79F5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Noise of several sizes, from broad to fine; it wraps around at both edges.
function texture(width, height, random) {
  const sum = new Float32Array(width * height);
  for (let cells = 4, weight = 60; cells <= 128; cells *= 2, weight *= 0.62) {
    const rows = Math.max(2, Math.round(cells * height / width));
    const knots = Float32Array.from({length: cells * rows}, () => random() * 2 - 1);
    for (let y = 0; y < height; y++) {
      const v = y * rows / height, j = Math.floor(v), b = v - j;
      for (let x = 0; x < width; x++) {
        const u = x * cells / width, i = Math.floor(u), a = u - i;
        const k = (dx, dy) => knots[(j + dy) % rows * cells + (i + dx) % cells];
        sum[y * width + x] += weight * ((k(0, 0) * (1 - a) + k(1, 0) * a) * (1 - b) +
          (k(0, 1) * (1 - a) + k(1, 1) * a) * b);
      }
    }
  }
  return sum;
}

function write(file, {width, height, fps, grain, seed}) {
  const random = generator(seed), scene = texture(width, height, random);
  const out = fs.openSync(file, 'w');
  fs.writeSync(out, `YUV4MPEG2 W${width} H${height} F${fps}:1 Ip A1:1 C420\n`);
  const frame = Buffer.alloc(width * height * 3 / 2);
  for (let n = 0; n < FRAMES; n++) {
    const turn = 2 * Math.PI * n / FRAMES;
    const dx = Math.round(width + width / 12 * Math.sin(turn)), dy = Math.round(height + height / 20 * Math.cos(turn));
    for (let y = 0; y < height; y++) {
      const row = (y + dy) % height * width;
      for (let x = 0; x < width; x++)
        frame[y * width + x] = 118 + scene[row + (x + dx) % width] + grain * (random() - 0.5);
    }
    // Three discs on their ways, brighter and darker than the scene.
    for (let k = 0; k < 3; k++) {
      const r = height / 9, cx = width * (0.5 + 0.36 * Math.sin(turn * (k + 1) + k)),
        cy = height * (0.5 + 0.32 * Math.cos(turn * (k + 1) + 2 * k));
      for (let y = Math.ceil(cy - r); y <= cy + r; y++)
        for (let x = Math.ceil(cx - r); x <= cx + r; x++)
          if ((x - cx) ** 2 + (y - cy) ** 2 <= r * r)
            frame[y * width + x] = Math.min(235, Math.max(16, frame[y * width + x] * 0.5 + 40 + k * 45));
    }
    frame.fill(120 + Math.round(8 * Math.sin(turn)), width * height, width * height * 5 / 4);
    frame.fill(134, width * height * 5 / 4);
    fs.writeSync(out, 'FRAME\n');
    fs.writeSync(out, frame);
  }
  fs.closeSync(out);
}

// The file, which is made when it is not there.
export function source(folder, {width, height, fps = 30, grain = 10, seed = 1}) {
  const file = `${folder}/source-${width}x${height}-${grain}.y4m`;
  if (!fs.existsSync(file)) {
    fs.mkdirSync(folder, {recursive: true});
    write(`${file}.part`, {width, height, fps, grain, seed});
    fs.renameSync(`${file}.part`, file);
  }
  return file;
}
