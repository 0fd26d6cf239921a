// The list of a field stays open while the reader types there, whatever scrolls around it.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { openPage, press, runScript } from "./page.js";

const BODY = `<main><div id="form"><input role="combobox"><input id="code"></div></main><aside></aside>`;

let opened, field, closed, placed;

// As the list of a field does: it hears of scrolling only after the scripts of the page.
beforeEach(() => {
  opened = openPage(BODY);
  runScript(opened, "open_list.js");
  field = opened.document.querySelector("[role=combobox]");
  closed = placed = 0;
  opened.addEventListener("scroll", ({ target }) => { closed += target.contains(field); }, true);
  opened.addEventListener("resize", () => { placed += 1; });
  field.focus();
});

function write(into) {
  into.dispatchEvent(new opened.Event("input", { bubbles: true }));
}

function scroll(place = "main") {
  opened.document.querySelector(place).dispatchEvent(new opened.Event("scroll"));
}

test("what is typed keeps its choices where the page scrolls, and they move with it", () => {
  write(field);
  scroll();
  assert.deepEqual([closed, placed], [0, 1]);
  press(field, "o");
  scroll();
  assert.deepEqual([closed, placed], [0, 2]);
});

test("before anything was typed a list closes as it always did", () => {
  scroll();
  assert.deepEqual([closed, placed], [1, 0]);
});

for (const [act, how] of [
  ["Escape", () => press(field, "Escape")],
  ["Enter", () => press(field, "Enter")],
  ["a pointer", () => opened.document.body.dispatchEvent(new opened.Event("pointerdown", { bubbles: true }))],
  ["a wheel", () => opened.document.body.dispatchEvent(new opened.Event("wheel", { bubbles: true }))],
  ["another field", () => opened.document.querySelector("#code").focus()],
  ["typing in another field", () => write(opened.document.querySelector("#code"))],
]) {
  test(`after ${act} the reader's scrolling closes it`, () => {
    write(field);
    how();
    scroll();
    assert.deepEqual([closed, placed], [1, 0]);
  });
}

test("what scrolls elsewhere is nobody's business", () => {
  write(field);
  let heard = 0;
  opened.addEventListener("scroll", () => { heard += 1; }, true);
  scroll("aside");
  assert.deepEqual([heard, placed], [1, 0]);
});
