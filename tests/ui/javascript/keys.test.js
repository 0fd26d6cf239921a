// Every key of the viewer does one thing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { boundTo, KEYS, titleOf } from "../../../ui/viewer/keys.js";

const PRESSED = KEYS.flatMap(({ on, press }) => [press].flat().map((key) => `${on} ${key}`));

test("no key does two things", () => {
  assert.equal(new Set(PRESSED).size, PRESSED.length);
});

test("those of the page and of Streamlit are left alone", () => {
  const taken = PRESSED.filter((key) => key.startsWith("page ") && !key.includes("Ctrl+")).map((key) => key.at(-1));
  assert.deepEqual(taken.filter((key) => "craxmezsjknwq".includes(key.toLowerCase())), []);
});

test("a capital counts as a small letter where it has no meaning of its own", () => {
  const act = (key) => boundTo(key, "page")?.act ?? null;
  assert.deepEqual(["I", "L", "l", "F", "f", "5", "c"].map(act),
    ["invert", "rotateRight", "rotateLeft", "full", "fit", "preset", null]);
});

test("arrows are the image's only while it has the focus", () => {
  assert.equal(boundTo("ArrowUp", "image").act, "up");
  assert.equal(boundTo("ArrowUp", "page"), null);
});

test("with Ctrl a key is another one", () => {
  assert.equal(boundTo("Ctrl+z", "page").act, "undo");
  assert.equal(boundTo("Ctrl+i", "page"), null);
});

test("a button says its key", () => {
  assert.equal(titleOf("invert"), "Invert greys (key I)");
});
