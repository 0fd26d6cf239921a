// What a length or a rectangle says, and in which unit.

import assert from "node:assert/strict";
import { test } from "node:test";

import { areaOf, lengthOf, plainNumber, statisticsOf, wordsOf } from "../../../ui/viewer/measure.js";

const ACROSS = [[0, 0], [3, 4]];

test("lengths and areas know rows from columns", () => {
  const frame = { spacing: [0.5, 0.2] }; // between rows, between columns
  const ends = [[10, 10], [25, 18]]; // 15 columns of 0.2 mm and 8 rows of 0.5 mm
  assert.equal(lengthOf(frame, ends), 5);
  assert.equal(areaOf(frame, ends), 12);
  assert.equal(lengthOf({ spacing: null }, ACROSS), 5);
});

for (const [spacing, spacingFrom, words] of [
  [[1, 1], "PixelSpacing", "5.0 mm"],
  [[1, 1], "ImagerPixelSpacing", "5.0 mm at detector"],
  [[1, 1], "NominalScannedPixelSpacing", "5.0 mm on film"],
  [null, "", "5 px"],
]) {
  test(`a length says "${words}" with spacing from ${spacingFrom || "nowhere"}`, () => {
    assert.deepEqual(wordsOf({ spacing, spacingFrom }, { kind: "length", ends: ACROSS }), [words]);
  });
}

function numbered(slope = 1, intercept = 0) {
  const samples = Uint16Array.from({ length: 2 * 5 * 6 }, (_, i) => i);
  return { rows: 5, columns: 6, samples, slope, intercept, spacing: null };
}

test("statistics are of the pixels whose middle is inside", () => {
  const found = statisticsOf(numbered(2, -1), 1, [[3.4, 2.6], [0.6, 0.4]]);
  // Columns 1 and 2 (middles 1.5 and 2.5) and rows 0 to 2, in the second plane.
  const values = [0, 1, 2].flatMap((row) =>
    [1, 2].map((column) => 2 * (30 + 6 * row + column) - 1));
  const mean = values.reduce((sum, value) => sum + value) / 6;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 6;
  assert.equal(found.n, 6);
  assert.equal(found.mean, mean);
  assert.ok(Math.abs(found.sd - Math.sqrt(variance)) < 1e-9);
  assert.deepEqual([found.min, found.max], [values.at(0), values.at(-1)]);
});

test("a rectangle beside the image has no pixel, and says so", () => {
  const outside = [[-9, -9], [-1, -1]];
  assert.equal(statisticsOf(numbered(), 0, outside).n, 0);
  assert.deepEqual(wordsOf(numbered(), { kind: "rectangle", ends: outside, plane: 0 }),
    ["area 64 px²", "no pixel inside"]);
});

test("a rectangle says what its pixels are", () => {
  const words = wordsOf(numbered(), { kind: "rectangle", ends: [[0, 0], [2, 2]], plane: 0 });
  assert.deepEqual(words, ["mean 3.5, SD 3.041", "min 0, max 7", "area 4 px², n 4"]);
});

test("numbers have as many digits as they need", () => {
  assert.deepEqual([12, 0.25, 3.14159, 1234.56, -0.5].map(plainNumber),
    ["12", "0.25", "3.142", "1235", "-0.5"]);
});

test("an angle is of millimetres, not of pixels", () => {
  const mark = { kind: "angle", ends: [[0, 0], [10, 0], [0, 10]] };
  assert.deepEqual(wordsOf({ spacing: [1, 1] }, mark), ["45.0°"]);
  assert.deepEqual(wordsOf({ spacing: [2, 1] }, mark), ["63.4°"]);
  assert.deepEqual(wordsOf({ spacing: null, aspect: 2 }, mark), ["63.4°"]);
  const half = { kind: "angle", ends: [[0, 0], [10, 0]] };
  assert.deepEqual(wordsOf({ spacing: null }, half), ["press where its other side ends"]);
});

test("an arrow says its words, a key image its window", () => {
  assert.deepEqual(wordsOf({}, { kind: "arrow", ends: ACROSS }), []);
  assert.deepEqual(wordsOf({}, { kind: "text", ends: [[0, 0]], text: "here" }), ["here"]);
  const window = { function: "SIGMOID", centre: 40, width: 400, inverted: false };
  assert.deepEqual(wordsOf({ frames: 3 }, { kind: "key", ends: [], plane: 1, window }),
    ["window 40/400 (sigmoid)", "frame 2"]);
});
