// What is on the screen, as numbers for the record.

import assert from "node:assert/strict";
import { test } from "node:test";

import { UPRIGHT } from "../../../ui/viewer/geometry.js";
import { lookOf } from "../../../ui/viewer/look.js";

const CANVAS = { width: 400, height: 300 };
const FRAME = { rows: 100, columns: 200 };
const HEAT = { diagnosis: "Pneumonia" };

function view(more) {
  return {
    x: 0, y: 0, scale: 4, aspect: 1, turn: UPRIGHT, plane: 0, function: "LINEAR",
    centre: 100 / 3, width: 50, inverted: false, overlay: true, opacity: 45, threshold: 25, ...more,
  };
}

function look(more, heat = HEAT) {
  return lookOf("frontal", { view: view(more), canvas: CANVAS, frame: FRAME, heat }, false);
}

test("the part in view is told in pixels of the image", () => {
  assert.deepEqual(look().box, [0, 0, 100, 75]);
  assert.deepEqual(look({ x: -700, y: 100 }).box, [175, 0, 200, 50]);
});

test("planes count from one, zoom in percent, six digits of a window", () => {
  const { plane, zoom, centre } = look({ plane: 2 });
  assert.deepEqual({ plane, zoom, centre }, { plane: 3, zoom: 400, centre: 33.3333 });
});

test("a heat map that is hidden, or not there, was not seen", () => {
  assert.equal(look().diagnosis, "Pneumonia");
  assert.equal(look({ overlay: false }).diagnosis, "");
  assert.equal(look({}, null).diagnosis, "");
});
