// Marks on their way to the record and back.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { fromRecord, toldMarks } from "../../../ui/viewer/marks.js";
import { marksOn } from "../../../ui/viewer/registry.js";

const WINDOW = { function: "LINEAR", centre: 40, width: 400, inverted: false };

beforeEach(() => { delete globalThis[Symbol.for("triptych.pixels")]; });

test("what is told comes back as it was", () => {
  const marks = [
    { kind: "angle", ends: [[1, 1], [5, 1], [5, 5]], plane: 1 },
    { kind: "text", ends: [[3, 3]], plane: 0, text: "here" },
    { kind: "key", ends: [], plane: 0, window: WINDOW },
  ];
  marksOn("a").push(...marks);
  assert.deepEqual(fromRecord(toldMarks({ frontal: "a" }).frontal), marks);
});

test("an image that was shown and has no marks is told of; one that was not shown is not", () => {
  marksOn("a");
  assert.deepEqual(toldMarks({ frontal: "a", lateral: "b" }), { frontal: [] });
});

test("an angle with one side, and words without any, are not told", () => {
  marksOn("a").push({ kind: "angle", ends: [[1, 1], [5, 1]], plane: 0 },
    { kind: "text", ends: [[3, 3]], plane: 0 });
  assert.deepEqual(toldMarks({ frontal: "a" }), { frontal: [] });
});
