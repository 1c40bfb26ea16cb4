// Where the seats of the conference stand: within the stage, apart from each other, and as large as
// it goes.

import assert from 'node:assert/strict';
import {grid, speaker} from '../../web/conference/layout.js';

const STAGES = [['a screen', 1280, 640], ['a phone', 374, 700], ['a phone on its side', 760, 260], ['a wide one', 2400, 500]];
const inside = (boxes, w, h) => boxes.filter(Boolean).every(b =>
  b.left >= -0.01 && b.top >= -0.01 && b.left + b.width <= w + 0.01 && b.top + b.height <= h + 0.01);
const apart = boxes => boxes.filter(Boolean).every((a, i, all) => all.slice(i + 1).every(b =>
  a.left + a.width <= b.left || b.left + b.width <= a.left || a.top + a.height <= b.top || b.top + b.height <= a.top));

export default async function ({test}) {
  for (const [name, w, h] of STAGES) await test(`seats on ${name} stand within it, and apart`, () => {
    for (let n = 1; n <= 25; n++) for (const how of [grid, speaker]) {
      const boxes = how(n, w, h);
      assert.equal(boxes.length, n);
      assert.ok(inside(boxes, w, h), `${how.name} of ${n}: within`);
      assert.ok(apart(boxes), `${how.name} of ${n}: apart`);
    }
  });
  await test('seats: four are two by two, and one alone has it all', () => {
    const boxes = grid(4, 1290, 720);
    assert.equal(new Set(boxes.map(b => Math.round(b.left))).size, 2);
    assert.ok(boxes.every(b => b.width > 600));
    assert.ok(grid(1, 1600, 900)[0].width === 1600);
  });
  await test('seats: a speaker is the largest by far, and who finds no place is not shown', () => {
    const boxes = speaker(12, 1280, 640), [large, ...rest] = boxes;
    assert.ok(rest.filter(Boolean).every(b => b.width * b.height * 5 < large.width * large.height));
    assert.ok(rest.some(b => b === null) && rest[0]);
    for (const [name, w, h] of STAGES) for (let n = 1; n <= 25; n++) {
      const seats = speaker(n, w, h), left = seats.filter(b => !b).length;
      assert.equal(!!seats.more, left > 0, `${name}, ${n}: a place for their number`);
      assert.ok(left !== 1 && (!left || apart([...seats, seats.more]) && inside([seats.more], w, h)), `${name}, ${n}: ${left} left out`);
    }
  });
}
