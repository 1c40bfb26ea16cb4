// Bars of nanoseconds, as SVG: one for each kind of packet, the machine's limit beside it.

import {PARTS} from './where.mjs';

const WIDE = 960, LEFT = 170, RIGHT = 40, BAR = 46, GAP = 52, TOP = 46;
const esc = s => s.replace(/&/g, '&amp;').replace(/</g, '&lt;');

// rows: {name, parts: nanoseconds by part, total, limit}
export function picture(rows) {
  const scale = (WIDE - LEFT - RIGHT) / Math.max(...rows.map(r => Math.max(r.total, r.limit) * 1.02));
  const legendTop = TOP + rows.length * (BAR + GAP), high = legendTop + Math.ceil(PARTS.length / 2) * 22 + 14;
  const out = [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDE} ${high}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDE}" height="${high}" fill="#fff"/>`,
    `<text x="${LEFT}" y="24" font-size="15">CPU time of one forwarded packet, in nanoseconds</text>`];
  rows.forEach((r, i) => {
    const y = TOP + i * (BAR + GAP);
    let x = LEFT;
    out.push(`<text x="${LEFT - 10}" y="${y + 20}" text-anchor="end">${esc(r.name)}</text>`,
      `<text x="${LEFT - 10}" y="${y + 38}" text-anchor="end" fill="#555">${Math.round(r.total)} ns</text>`);
    r.parts.forEach((ns, p) => {
      const w = ns * scale;
      out.push(`<rect x="${x.toFixed(1)}" y="${y}" width="${w.toFixed(1)}" height="${BAR}" fill="${PARTS[p].colour}">` +
        `<title>${esc(PARTS[p].name)}: ${Math.round(ns)} ns</title></rect>`);
      if (w > 28) out.push(`<text x="${(x + w / 2).toFixed(1)}" y="${y + BAR / 2 + 5}" text-anchor="middle" ` +
        `fill="${/^#[0-8]/.test(PARTS[p].colour) ? '#fff' : '#000'}">${Math.round(ns)}</text>`);
      x += w;
    });
    const at = LEFT + r.limit * scale;
    out.push(`<line x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${y - 5}" y2="${y + BAR + 8}" stroke="#c00" stroke-width="2"/>`,
      `<text x="${at.toFixed(1)}" y="${y + BAR + 22}" text-anchor="middle" fill="#c00">limit ${Math.round(r.limit)}, ` +
      `ratio ${(r.total / r.limit).toFixed(2)}</text>`);
  });
  PARTS.forEach((p, i) => {
    const x = 30 + (i % 2) * 460, y = legendTop + Math.floor(i / 2) * 22;
    out.push(`<rect x="${x}" y="${y}" width="14" height="14" fill="${p.colour}"/>`,
      `<text x="${x + 22}" y="${y + 12}">${esc(p.name)}<tspan fill="#555">: ${esc(p.what)}</tspan></text>`);
  });
  return `${out.join('\n')}\n</svg>\n`;
}
