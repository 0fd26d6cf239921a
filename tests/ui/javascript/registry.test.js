// Pixels, heat maps and looks meet here, in whatever order they come.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { dropFrame, dropHeat, dropLook, knownMarks, marksOn, putFrame, putHeat, putLook, watchHeat,
  watchLook, whenFrame } from "../../../ui/viewer/registry.js";

beforeEach(() => { delete globalThis[Symbol.for("triptych.pixels")]; });

function calls() {
  const heard = [];
  return [heard, (value) => heard.push(value)];
}

test("whoever waits for a frame gets it once, now or when it comes", () => {
  const [heard, hear] = calls();
  const frame = { id: "a" };
  whenFrame("a", hear);
  putFrame(frame, "carrier");
  putFrame(frame, "carrier");
  assert.deepEqual(heard, [frame]);
  whenFrame("a", hear);
  assert.deepEqual(heard, [frame, frame]);
});

test("who stops waiting hears nothing", () => {
  const [heard, hear] = calls();
  whenFrame("a", hear)();
  putFrame({ id: "a" }, "carrier");
  assert.deepEqual(heard, []);
});

test("a frame stays until the last holder lets it go", () => {
  const [heard, hear] = calls();
  putFrame({ id: "a" }, "old");
  putFrame({ id: "a" }, "new");
  dropFrame("a", "old");
  whenFrame("a", hear);
  assert.equal(heard.length, 1);
  dropFrame("a", "new");
  whenFrame("a", hear);
  assert.equal(heard.length, 1);
});

test("the viewer hears of its own heat map only, until it stops", () => {
  const [heard, hear] = calls();
  const stop = watchHeat("a", hear);
  putHeat("a", "first");
  putHeat("b", "other");
  stop();
  putHeat("a", "late");
  assert.deepEqual(heard, [null, "first"]);
});

test("a heat map that was replaced is not taken away with the old one", () => {
  const [heard, hear] = calls();
  putHeat("a", "first");
  putHeat("a", "second");
  dropHeat("a", "first");
  watchHeat("a", hear);
  assert.deepEqual(heard, ["second"]);
});

test("a viewer that goes does not take the look of the next with it", () => {
  const [heard, hear] = calls();
  watchLook(hear);
  putLook("one", "viewer 1");
  putLook("two", "viewer 2");
  dropLook("viewer 1");
  dropLook("viewer 2");
  assert.deepEqual(heard, [null, "one", "two", null]);
});

test("measurements stay with their image", () => {
  marksOn("a").push("length");
  assert.deepEqual(marksOn("a"), ["length"]);
  assert.deepEqual(marksOn("b", ["recorded"]), ["recorded"]);
  assert.deepEqual(marksOn("a", ["recorded"]), ["length"]);
  assert.equal(knownMarks("c"), undefined);
});
