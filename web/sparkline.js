// A line of the last values, drawn on a small canvas: colour from the CSS property
// `color` of the canvas, so that it follows the theme.

const KEPT = 45;

export class Sparkline {
  #canvas;
  #values = [];
  #floor;

  // floor: the value that the chart's top stands for at least, so that noise stays small.
  constructor(canvas, {floor = 0} = {}) {
    this.#canvas = canvas;
    this.#floor = floor;
  }

  push(value) {
    this.#values.push(Number.isFinite(value) ? value : null);
    if (this.#values.length > KEPT) this.#values.shift();
    this.draw();
  }

  draw() {
    const canvas = this.#canvas, scale = devicePixelRatio || 1;
    const {clientWidth: width, clientHeight: height} = canvas;
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
    const g = canvas.getContext('2d');
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.clearRect(0, 0, width, height);
    g.strokeStyle = g.fillStyle = getComputedStyle(canvas).color;
    g.lineWidth = 1.5;
    g.lineJoin = g.lineCap = 'round';
    const top = Math.max(this.#floor, ...this.#values.filter(v => v !== null)) || 1;
    const step = (width - 4) / (KEPT - 1);
    const x = i => width - 2 - (this.#values.length - 1 - i) * step;
    const y = v => height - 2 - v / top * (height - 5);
    for (const [from, to] of runs(this.#values)) {
      g.beginPath();
      g.moveTo(x(from), y(this.#values[from]));
      for (let i = from + 1; i <= to; i++) g.lineTo(x(i), y(this.#values[i]));
      g.stroke();
      g.lineTo(x(to), height);
      g.lineTo(x(from), height);
      g.globalAlpha = 0.12;
      g.fill();
      g.globalAlpha = 1;
    }
    if (this.#values.at(-1) != null) {
      g.beginPath();
      g.arc(width - 2.5, y(this.#values.at(-1)), 2, 0, 7);
      g.fill();
    }
  }
}

// First and last index of each stretch without gaps.
function runs(values) {
  const found = [];
  let from = -1;
  values.forEach((v, i) => {
    if (v !== null && from < 0) from = i;
    if (from >= 0 && (v === null || i === values.length - 1)) {
      found.push([from, v === null ? i - 1 : i]);
      from = -1;
    }
  });
  return found;
}
