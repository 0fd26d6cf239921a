// Several frames: played at a speed, or gone through by hand.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { createCine } from "../../../ui/viewer/cine.js";
import { openPage, stopTime } from "./page.js";

let clock, asked, cine;
beforeEach(() => {
  openPage();
  clock = stopTime(globalThis);
  asked = [];
  cine = createCine(8, (name, value) => asked.push([name, value]));
});

test("ten frames a second, until it is stopped", () => {
  cine.toggle();
  clock.pass(1000);
  cine.toggle();
  clock.pass(1000);
  assert.deepEqual(asked, Array(10).fill(["advance", undefined]));
});

test("another speed holds at once", () => {
  const speed = cine.bar.querySelector("select");
  cine.toggle();
  speed.value = "2";
  speed.dispatchEvent(new Event("change"));
  clock.pass(1000);
  assert.equal(asked.length, 2);
});

test("the bar says what is shown and what the button does", () => {
  const [play, , number] = cine.bar.children;
  cine.show(2);
  assert.deepEqual([play.textContent, number.textContent], ["Play", "3 of 8"]);
  cine.toggle();
  cine.show(3);
  assert.equal(play.textContent, "Pause");
});

test("the slider counts from one, planes from zero", () => {
  const slider = cine.bar.querySelector("input");
  slider.value = "5";
  slider.dispatchEvent(new Event("input"));
  assert.deepEqual(asked, [["plane", 4]]);
});

test("a single image has no bar and does not play", () => {
  const single = createCine(1, (name) => asked.push(name));
  single.toggle();
  clock.pass(1000);
  assert.deepEqual([single.bar.hidden, asked], [true, []]);
});
