// Where a point of the image is on the canvas, and back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { clampToImage, distanceToSegment, extent, inside, movePart, moveWhole, partsOf, partUnder,
  toCanvas, toImage, turned, TURNS, UPRIGHT } from "../../../ui/viewer/geometry.js";

const TWICE = Object.values(TURNS).flatMap((first) =>
  Object.values(TURNS).map((second) => turned(first, second)));

function near(found, wanted) {
  found.forEach((value, i) => assert.ok(Math.abs(value - wanted[i]) < 1e-9, `${found}`));
}

test("a point comes back from the canvas whichever way the image is turned", () => {
  for (const turn of [UPRIGHT, ...Object.values(TURNS), ...TWICE]) {
    const view = { x: 13.5, y: -40, scale: 1.7, aspect: 2.5, turn };
    near(toImage(view, toCanvas(view, [10.25, 77])), [10.25, 77]);
  }
});

test("turning right takes the top to the right; four times is nothing", () => {
  const top = (turn) => toCanvas({ x: 0, y: 0, scale: 1, aspect: 1, turn }, [0, -1]);
  assert.deepEqual(top(TURNS.rotateRight), [1, 0]);
  const { rotateRight } = TURNS;
  const twice = turned(rotateRight, rotateRight);
  near(turned(twice, twice), UPRIGHT);
});

test("left undoes right, and each flip undoes itself", () => {
  near(turned(TURNS.rotateRight, TURNS.rotateLeft), UPRIGHT);
  near(turned(TURNS.flipAcross, TURNS.flipAcross), UPRIGHT);
  const mirrored = { x: 0, y: 0, scale: 1, aspect: 1, turn: TURNS.flipAcross };
  assert.deepEqual(toCanvas(mirrored, [3, 4]), [-3, 4]);
});

test("a turned image is as wide as it was high, in widths of a pixel", () => {
  const frame = { columns: 200, rows: 100 };
  assert.deepEqual(extent({ turn: UPRIGHT, aspect: 2 }, frame), [200, 200]);
  assert.deepEqual(extent({ turn: TURNS.rotateLeft, aspect: 0.5 }, frame), [50, 200]);
});

test("the far edges are not inside the image, and points are brought back to them", () => {
  const frame = { columns: 6, rows: 5 };
  assert.ok(inside(frame, [0, 0]));
  assert.ok(!inside(frame, [6, 0]));
  assert.ok(!inside(frame, [0, -0.1]));
  assert.deepEqual(clampToImage(frame, [-3, 9]), [0, 5]);
});

test("distance to a line is to its nearest end beyond them", () => {
  assert.equal(distanceToSegment([5, 3], [0, 0], [10, 0]), 3);
  assert.equal(distanceToSegment([13, 4], [0, 0], [10, 0]), 5);
  assert.equal(distanceToSegment([3, 4], [0, 0], [0, 0]), 5);
});

test("corners and lines are found under the pointer", () => {
  const view = { x: 100, y: 0, scale: 2, aspect: 1, turn: TURNS.rotateRight };
  const box = { kind: "rectangle", ends: [[0, 0], [20, 10]] };
  const under = (point) => partUnder(view, box, toCanvas(view, point), 5);
  assert.deepEqual(under([20, 0]), [1, 0]);
  assert.deepEqual(under([0, 10]), [0, 1]);
  assert.equal(under([10, 0]), "whole");
  assert.equal(under([10, 5]), null);
});

test("a length has two ends and no line back", () => {
  const view = { x: 0, y: 0, scale: 1, aspect: 1, turn: UPRIGHT };
  const length = { kind: "length", ends: [[0, 0], [40, 30]] };
  assert.equal(partsOf({ kind: "length", ends: [[0, 0], [1, 1]] }).length, 2);
  assert.equal(partUnder(view, length, [20, 15], 5), "whole");
  assert.equal(partUnder(view, length, [40, 0], 5), null);
});

test("a corner moves two sides of a rectangle, and the line all of it", () => {
  const ends = [[0, 0], [20, 10]];
  assert.deepEqual(movePart(ends, [1, 0], [25, 3]), [[0, 3], [25, 10]]);
  assert.deepEqual(moveWhole(ends, [1, -2]), [[1, -2], [21, 8]]);
  assert.deepEqual(ends, [[0, 0], [20, 10]]);
});
