// What part of which image is shown, and how.

import assert from "node:assert/strict";
import { test } from "node:test";

import { toCanvas, toImage, TURNS } from "../../../ui/viewer/geometry.js";
import { actualSize, applyPreset, dragWindow, fit, newView, pan, pixelAt, showBox, showsPreset,
  toPlane, turnView, zoomAbout } from "../../../ui/viewer/view.js";

const LUNG = { function: "LINEAR_EXACT", centre: 100, width: 50, table: null };
const STATED = { function: "LINEAR", centre: 7, width: 4, table: null };
const OVERLAY = { shown: true, opacity: 45, threshold: 25 };
const CANVAS = { width: 500, height: 300 };
const FRAME = { columns: 200, rows: 100 };

function fitted(turn) {
  const view = newView(LUNG, OVERLAY, 1);
  fit(view, CANVAS, FRAME);
  if (turn) turnView(view, CANVAS, FRAME, TURNS[turn]);
  return view;
}

function box(view, { columns, rows }) {
  const [a, b] = [toCanvas(view, [0, 0]), toCanvas(view, [columns, rows])];
  return [0, 1].map((i) => [Math.min(a[i], b[i]), Math.max(a[i], b[i])]);
}

for (const [turn, across, down] of [
  ["rotateRight", [175, 325], [0, 300]],
  ["rotateLeft", [175, 325], [0, 300]],
  ["flipAcross", [0, 500], [25, 275]],
  ["flipDown", [0, 500], [25, 275]],
]) {
  test(`the whole image stays in the middle after ${turn}`, () => {
    assert.deepEqual(box(fitted(turn), FRAME), [across, down]);
  });
}

test("the middle of the canvas stays when a zoomed image is turned", () => {
  const view = fitted();
  zoomAbout(view, 3, 10, 250);
  const before = toImage(view, [250, 150]);
  turnView(view, CANVAS, FRAME, TURNS.rotateLeft);
  toImage(view, [250, 150]).forEach((value, i) => assert.ok(Math.abs(value - before[i]) < 1e-9));
});

test("pixels that are not square are drawn as high and wide as they are", () => {
  const frame = { rows: 100, columns: 100 }, canvas = { width: 400, height: 400 };
  const view = newView(LUNG, OVERLAY, 2); // 50 mm high and 25 mm wide
  fit(view, canvas, frame);
  assert.deepEqual(box(view, frame), [[100, 300], [0, 400]]);
  turnView(view, canvas, frame, TURNS.rotateRight);
  assert.deepEqual(box(view, frame), [[0, 400], [100, 300]]);
});

test("at actual size nothing is interpolated: whole offsets, on the odd pixel too", () => {
  const view = newView(LUNG, OVERLAY, 1);
  actualSize(view, { width: 501, height: 300 }, FRAME);
  assert.deepEqual([view.scale, view.x, view.y, view.fitted], [1, 151, 100, false]);
});

test("zooming keeps the point under the pointer, within limits", () => {
  const view = fitted();
  const before = toImage(view, [30, 40]);
  zoomAbout(view, 2, 30, 40);
  assert.deepEqual(toImage(view, [30, 40]), before);
  zoomAbout(view, 1e6, 0, 0);
  assert.equal(view.scale, 40);
  zoomAbout(view, 1e-9, 0, 0);
  assert.equal(view.scale, 0.02);
});

test("a moved image is no longer fitted", () => {
  const view = fitted();
  pan(view, 5, -7);
  assert.deepEqual([view.x, view.y, view.fitted], [5, 18, false]);
});

test("right widens the window and down darkens; 500 px are the whole range", () => {
  const view = newView(LUNG, OVERLAY, 1);
  dragWindow(view, 250, 50, 1000);
  assert.deepEqual([view.centre, view.width], [200, 550]);
});

test("a window never closes: LINEAR needs a width of 1, the others a thousandth", () => {
  const linear = newView(STATED, OVERLAY, 1), exact = newView(LUNG, OVERLAY, 1);
  dragWindow(linear, -9000, 0, 100);
  dragWindow(exact, -9000, 0, 100);
  assert.deepEqual([linear.width, exact.width], [1, 0.1]);
});

test("a preset is recognised until the window is changed by hand", () => {
  const view = newView(LUNG, OVERLAY, 1);
  applyPreset(view, STATED);
  assert.ok(showsPreset(view, STATED));
  assert.ok(!showsPreset(view, LUNG));
  dragWindow(view, 1, 0, 100);
  assert.ok(!showsPreset(view, STATED));
});

test("planes end at the first and the last", () => {
  const view = newView(LUNG, OVERLAY, 1);
  toPlane(view, { frames: 4 }, 9);
  assert.equal(view.plane, 3);
  toPlane(view, { frames: 4 }, -1);
  assert.equal(view.plane, 0);
});

test("the pixel under the pointer is read in the unit of the image, of the plane shown", () => {
  const samples = Uint16Array.from({ length: 12 }, (_, i) => 10 * i);
  const frame = { rows: 2, columns: 3, frames: 2, samples, slope: 0.5, intercept: -1 };
  const view = { ...newView(LUNG, OVERLAY, 1), scale: 10, plane: 1 };
  assert.deepEqual(pixelAt(view, frame, [25, 12]), { row: 1, column: 2, value: 54 });
  assert.equal(pixelAt(view, frame, [31, 12]), null);
});

for (const turn of ["rotateRight", "flipAcross", null]) {
  test(`a box of the image is put in the middle with room around it, ${turn ?? "upright"}`, () => {
    const view = fitted(turn);
    showBox(view, CANVAS, [20, 50, 60, 90]);
    const [x, y] = toCanvas(view, [70, 40]);
    assert.deepEqual([Math.round(x), Math.round(y)], [CANVAS.width / 2, CANVAS.height / 2]);
    assert.equal(view.scale, 300 / (2.5 * 40));
    assert.ok(!view.fitted);
  });
}
