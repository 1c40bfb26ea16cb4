// Lines over time as SVG, in panels below each other, for people to look at.

import fs from 'node:fs';

const WIDTH = 900, PANEL = 190, LEFT = 60, TOP = 24, GAP = 46;

// panels: [{title, top, lines: [{name, colour, width, points: [[seconds, value]], steps}]}];
// marks: [{at, text}] over all of them.
export function plot(file, {title, seconds, panels, marks = []}) {
  const x = t => LEFT + t / seconds * (WIDTH - LEFT - 20);
  const out = [`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${TOP + panels.length * (PANEL + GAP)}" ` +
    'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="#fff"/>'];
  panels.forEach((p, i) => {
    const low = TOP + i * (PANEL + GAP) + 16 + PANEL;
    const top = p.top || Math.max(1, ...p.lines.flatMap(l => l.points.map(([, v]) => v))) * 1.05;
    const y = v => low - Math.min(Math.max(v, 0), top) / top * PANEL;
    let at = LEFT + 8 + (i ? p.title : `${title}: ${p.title}`).length * 7;
    out.push(`<text x="${LEFT}" y="${low - PANEL - 5}">${i ? '' : `${title}: `}${p.title}</text>`);
    for (const l of p.lines) {
      out.push(`<text x="${at}" y="${low - PANEL - 5}" fill="${l.colour}">${l.name}</text>`);
      at += 14 + l.name.length * 7;
    }
    for (let k = 0; k <= 4; k++)
      out.push(`<path d="M${LEFT} ${y(top * k / 4).toFixed(1)}H${WIDTH - 20}" stroke="#e4e4e4"/>` +
        `<text x="${LEFT - 6}" y="${(y(top * k / 4) + 4).toFixed(1)}" text-anchor="end">${Number((top * k / 4).toPrecision(3))}</text>`);
    for (let t = 0; t <= seconds; t += 5)
      out.push(`<text x="${x(t).toFixed(1)}" y="${low + 14}" text-anchor="middle">${t}</text>`);
    for (const m of marks)
      out.push(`<path d="M${x(m.at).toFixed(1)} ${low}V${low - PANEL}" stroke="#888" stroke-dasharray="3 3"/>` +
        (i ? '' : `<text x="${(x(m.at) + 3).toFixed(1)}" y="${low - PANEL + 12}" fill="#888">${m.text}</text>`));
    for (const l of p.lines) {
      if (!l.points.length) continue;
      const d = l.points.map(([t, v], n) => `${n ? (l.steps ? `H${x(t).toFixed(1)}V` : `L${x(t).toFixed(1)} `) :
        `M${x(t).toFixed(1)} `}${y(v).toFixed(1)}`).join('');
      out.push(`<path d="${d}" fill="none" stroke="${l.colour}" stroke-width="${l.width ?? 1.3}"/>`);
    }
  });
  out.push('</svg>\n');
  fs.writeFileSync(file, out.join('\n'));
}
