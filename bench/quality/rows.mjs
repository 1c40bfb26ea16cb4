// What a benchmark has found: the rows of bench/rows.c, for benchmarks that are no C programs.

import fs from 'node:fs';

const ratioOf = r => r.limit > 0 && Number.isFinite(r.value) ? r.value / r.limit : null;

// least: the value, or where there is a limit its ratio, may not be below the bar, instead of above.
export const row = ({name, value, unit, limit = null, bar = null, least = false, note = ''}) => {
  const ratio = ratioOf({value, limit}), measured = ratio ?? value;
  const pass = bar === null || (Number.isFinite(measured) && (least ? measured >= bar : measured <= bar));
  return {name, unit, value: Number.isFinite(value) ? Number(value.toPrecision(6)) : null, limit,
    ratio: ratio === null ? null : Number(ratio.toPrecision(4)), bar, pass, note};
};

const NAME = 52;
export const HEAD = `${''.padEnd(NAME)} ${'value'.padStart(9)} ${'unit'.padEnd(7)} ${'limit'.padStart(7)} ` +
  `${'ratio'.padStart(6)} ${'bar'.padStart(7)}`;
const text = (v, width, digits) => (v === null ? '' : v.toFixed(digits)).padStart(width);
export const line = r => [r.name.padEnd(NAME), text(r.value, 9, Math.abs(r.value) < 100 ? 1 : 0), r.unit.padEnd(7),
  text(r.limit, 7, 0), text(r.ratio, 6, 2), text(r.bar, 7, r.ratio === null ? 0 : 2),
  r.pass ? (r.bar === null ? '    ' : 'ok  ') : 'MISS', r.note].join(' ').trimEnd();

// Rows of before stay if they are not of a scene that was run again.
export function write(file, rows, again) {
  const before = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file)) : [];
  const all = [...before.filter(r => !again(r)), ...rows];
  fs.writeFileSync(file, `[\n${all.map(r => `  ${JSON.stringify(r)}`).join(',\n')}\n]\n`);
}
