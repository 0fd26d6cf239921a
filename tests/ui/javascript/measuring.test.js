// Placing, moving and deleting marks, with and without a mouse.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { UPRIGHT } from "../../../ui/viewer/geometry.js";
import { complete, createMeasuring } from "../../../ui/viewer/measuring.js";

const FRAME = { rows: 100, columns: 200, spacing: null };
const CANVAS = { width: 400, height: 200, clientWidth: 400 };

let view, kept, changes, asked, measuring;
beforeEach(() => {
  view = { x: 0, y: 0, scale: 2, aspect: 1, turn: UPRIGHT, plane: 0, function: "LINEAR", centre: 40,
    width: 400, table: null, inverted: false };
  kept = [];
  [changes, asked] = [0, 0];
  measuring = createMeasuring(FRAME, view, CANVAS, kept, () => { changes += 1; }, () => { asked += 1; });
});

function drawn(kind, from, to) {
  measuring.press(from, kind);
  measuring.drag(to);
  measuring.drop();
}

test("a press and a drag make a length in pixels of the image", () => {
  drawn("length", [20, 40], [100, 40]);
  assert.deepEqual(kept, [{ kind: "length", ends: [[10, 20], [50, 20]], plane: 0 }]);
  assert.equal(measuring.selected, kept[0]);
  assert.ok(changes > 1);
});

test("a click alone measures nothing", () => {
  drawn("rectangle", [20, 40], [21, 41]);
  assert.deepEqual(kept, []);
  assert.equal(measuring.selected, null);
});

test("without a tool, or beside the image, a press is for the window", () => {
  assert.equal(measuring.press([20, 40], null), false);
  assert.equal(measuring.press([-5, 40], "length"), false);
  assert.deepEqual(kept, []);
});

test("an end that is dragged off the image stops at its edge", () => {
  drawn("length", [20, 40], [900, -30]);
  assert.deepEqual(kept[0].ends, [[10, 20], [200, 0]]);
});

test("an end is moved by itself, the line with both ends", () => {
  drawn("length", [20, 40], [100, 40]);
  drawn(null, [100, 40], [100, 80]);
  assert.deepEqual(kept[0].ends, [[10, 20], [50, 40]]);
  measuring.press([60, 60], null);
  measuring.drag([64, 56]);
  measuring.drag([70, 50]);
  assert.deepEqual(kept[0].ends, [[15, 15], [55, 35]]);
});

test("what was measured on another plane is not under the pointer", () => {
  drawn("length", [20, 40], [100, 40]);
  view.plane = 1;
  assert.equal(measuring.press([20, 40], null), false);
});

test("choosing a measurement shows its plane", () => {
  drawn("length", [20, 40], [100, 40]);
  view.plane = 3;
  measuring.select(kept[0]);
  assert.equal(view.plane, 0);
});

test("the selected one is deleted, or any other", () => {
  drawn("length", [20, 40], [100, 40]);
  drawn("length", [20, 100], [100, 100]);
  const [first, second] = kept;
  measuring.remove(first);
  assert.deepEqual([kept, measuring.selected], [[second], second]);
  measuring.remove();
  assert.deepEqual([kept, measuring.selected], [[], null]);
});

test("one is placed without a mouse, and its ends are moved in turn", () => {
  measuring.place("length");
  const before = structuredClone(kept[0].ends);
  measuring.nudge(1, 0); // the end that was placed last
  assert.deepEqual(kept[0].ends, [before[0], [before[1][0] + 1, before[1][1]]]);
  measuring.place(null); // Enter once more: the other end
  measuring.nudge(0, -1);
  assert.deepEqual(kept[0].ends[0], [before[0][0], before[0][1] - 1]);
});

test("an angle is drawn side by side", () => {
  drawn("angle", [20, 40], [100, 40]);
  assert.ok(!complete(kept[0]));
  drawn("angle", [100, 100], [100, 120]);
  assert.deepEqual(kept[0].ends, [[10, 20], [50, 20], [50, 60]]);
  assert.ok(complete(kept[0]));
  drawn("angle", [200, 40], [240, 40]);
  assert.equal(kept.length, 2);
});

test("an arrow and words ask what they say; words without any are none", () => {
  drawn("arrow", [20, 40], [100, 40]);
  assert.equal(asked, 1);
  measuring.write(kept[0], "nodule");
  drawn("text", [40, 100], [40, 100]);
  measuring.write(kept[1], "");
  assert.deepEqual([asked, kept], [2, [
    { kind: "arrow", ends: [[10, 20], [50, 20]], plane: 0, text: "nodule" }]]);
});

test("by Enter the end in hand changes, and after the last come the words", () => {
  measuring.place("arrow");
  measuring.place(null); // of its words
  assert.equal(asked, 1);
  measuring.place(null);
  measuring.nudge(1, 0);
  measuring.place("text");
  assert.equal(kept.length, 1);
});

test("each change is taken back by itself, and what changed nothing is none", () => {
  drawn("length", [20, 40], [100, 40]);
  measuring.nudge(1, 0);
  measuring.press([20, 40], null);
  measuring.drop();
  measuring.press([350, 150], null);
  measuring.select(kept[0]);
  measuring.remove();
  measuring.undo();
  assert.deepEqual(kept[0].ends, [[10, 20], [51, 20]]);
  measuring.undo();
  assert.deepEqual(kept[0].ends, [[10, 20], [50, 20]]);
  measuring.undo();
  measuring.undo();
  assert.deepEqual(kept, []);
});

test("what is shown is a key image, until it is asked for once more; choosing it shows its window", () => {
  measuring.key();
  const window = { function: "LINEAR", centre: 40, width: 400, inverted: false };
  assert.deepEqual(kept, [{ kind: "key", ends: [], plane: 0, window }]);
  assert.ok(measuring.isKey);
  Object.assign(view, { centre: 7, plane: 2 });
  assert.ok(!measuring.isKey);
  measuring.select(kept[0]);
  assert.deepEqual([view.centre, view.plane], [40, 0]);
  measuring.key();
  assert.deepEqual([kept, measuring.selected], [[], null]);
});
