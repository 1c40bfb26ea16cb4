// Where the seats are: arithmetic of boxes.

const GAP = 10;
const SHAPE = 16 / 9;

// The best grid of n boxes in width by height: the one whose boxes are largest. Boxes keep to the
// shape of pictures, unless one alone would rather fill a narrow page.
export function grid(n, width, height) {
  let best = {w: 0, columns: 1};
  for (let columns = 1; columns <= n; columns++) {
    const rows = Math.ceil(n / columns);
    const w = Math.min((width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows * SHAPE);
    if (w > best.w) best = {w, columns, rows};
  }
  const {columns, rows} = best;
  const tall = height > width; // a phone held upright: what is left over goes into the boxes
  const w = tall ? (width - GAP * (columns - 1)) / columns : best.w;
  const h = tall ? Math.min((height - GAP * (rows - 1)) / rows, w * 4 / 3) : best.w / SHAPE;
  const top = (height - rows * h - GAP * (rows - 1)) / 2;
  return Array.from({length: n}, (_, i) => {
    const row = Math.floor(i / columns), inRow = Math.min(columns, n - row * columns);
    const left = (width - inRow * w - GAP * (inRow - 1)) / 2; // the last row stands in the middle
    return {left: left + (i % columns) * (w + GAP), top: top + row * (h + GAP), width: w, height: h};
  });
}

// One large, the others in a strip beside it or below, as many as fit; those that do not are null, and the
// last place of the strip is left for their number: `more`.
export function speaker(n, width, height) {
  if (n === 1) return grid(1, width, height);
  const beside = width > height * 1.2, size = beside ? Math.min(220, width * 0.22) : Math.min(150, (width - 2 * GAP) / 3);
  const thumb = {width: size, height: size / SHAPE};
  const large = beside ? {left: 0, top: 0, width: width - size - GAP, height} :
    {left: 0, top: 0, width, height: height - thumb.height - GAP};
  const places = Math.max(1, Math.floor(((beside ? height : width) + GAP) / ((beside ? thumb.height : thumb.width) + GAP)));
  const place = i => beside ? {left: width - size, top: i * (thumb.height + GAP), ...thumb} :
    {left: i * (thumb.width + GAP), top: height - thumb.height, ...thumb};
  const fit = n - 1 <= places ? n - 1 : places - 1;
  const boxes = [large, ...Array.from({length: n - 1}, (_, i) => i < fit ? place(i) : null)];
  return Object.assign(boxes, {more: fit < n - 1 ? place(fit) : null});
}
