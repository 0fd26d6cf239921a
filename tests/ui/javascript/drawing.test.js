// Marks over the image, and as a list that reads as text.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { createDrawing } from "../../../ui/viewer/drawing.js";
import { UPRIGHT } from "../../../ui/viewer/geometry.js";
import { openPage, press } from "./page.js";

const FRAME = { rows: 100, columns: 100, spacing: [0.5, 0.5], spacingFrom: "PixelSpacing",
  samples: new Uint16Array(20_000), slope: 1, intercept: 7 };
const CANVAS = { width: 200, height: 200, clientWidth: 100, clientHeight: 100 };
const LENGTH = { kind: "length", ends: [[0, 0], [30, 40]], plane: 0 };
const BOX = { kind: "rectangle", ends: [[10, 10], [20, 20]], plane: 1 };

let view, drawing, done;
beforeEach(() => {
  openPage();
  view = { x: 0, y: 0, scale: 2, aspect: 1, turn: UPRIGHT, plane: 0 };
  done = [];
  drawing = createDrawing(FRAME, "Current", {
    select: (one) => done.push(["select", one]), remove: (one) => done.push(["remove", one]),
    write: (one, text) => done.push(["write", one, text]),
  }, () => done.push(["leave"]));
  document.body.append(drawing.svg, drawing.list);
});

function lines() {
  return [...drawing.list.querySelectorAll(".name")].map(({ textContent }) => textContent);
}

test("all measurements are listed in words, those of this plane are drawn", () => {
  drawing.show([LENGTH, BOX], null, view, CANVAS);
  assert.deepEqual(lines(), ["1 Length: 25.0 mm",
    "2 Rectangle: mean 7, SD 0, min 7, max 7, area 25.0 mm², n 100"]);
  assert.deepEqual([...drawing.svg.querySelectorAll("text")].map(({ textContent }) => textContent),
    ["1: 25.0 mm"]);
});

test("lines are where the image is, in css pixels", () => {
  drawing.show([LENGTH], null, view, CANVAS);
  assert.equal(drawing.svg.querySelector("polyline").getAttribute("points"), "0,0 30,40");
});

test("the buttons of the list choose and delete", () => {
  drawing.show([LENGTH], LENGTH, view, CANVAS);
  const [name, remove] = drawing.list.querySelectorAll("button");
  assert.equal(name.getAttribute("aria-pressed"), "true");
  name.click();
  remove.click();
  assert.deepEqual(done, [["select", LENGTH], ["remove", LENGTH]]);
});

test("the list keeps the focus while the image moves", () => {
  drawing.show([LENGTH], null, view, CANVAS);
  drawing.list.querySelector("button").focus();
  drawing.show([LENGTH], null, { ...view, x: 50 }, CANVAS);
  assert.equal(document.activeElement.textContent, "1 Length: 25.0 mm");
});

test("an arrow has its tip where it was begun, and a key image has nothing on the film", () => {
  const arrow = { kind: "arrow", ends: [[50, 50], [90, 50]], plane: 0, text: "nodule" };
  const key = { kind: "key", ends: [], plane: 0,
    window: { function: "LINEAR", centre: 40, width: 400, inverted: true } };
  drawing.show([arrow, key], null, view, CANVAS);
  assert.deepEqual(lines(), ["1 Arrow: nodule", "2 Key image: window 40/400, greys inverted"]);
  const strokes = drawing.svg.querySelectorAll("polyline:not(.under)");
  assert.equal(strokes.length, 2);
  assert.match(strokes[1].getAttribute("points"), / 50,50 /);
});

test("words are typed where the mark is listed, and no key of them goes further", () => {
  const arrow = { kind: "arrow", ends: [[50, 50], [90, 50]], plane: 0 };
  let leaked = 0;
  document.addEventListener("keydown", () => { leaked += 1; });
  drawing.ask();
  drawing.show([arrow], arrow, view, CANVAS);
  const input = drawing.list.querySelector("input");
  assert.equal(document.activeElement, input);
  input.value = " nodule ";
  press(input, "a");
  input.dispatchEvent(new Event("change"));
  press(input, "Enter");
  assert.deepEqual([leaked, done], [0, [["write", arrow, "nodule"], ["leave"]]]);
});

test("the box that a sentence means is drawn, and is no mark", () => {
  drawing.show([], null, view, CANVAS, [10, 20, 30, 40]);
  assert.equal(drawing.svg.querySelector(".meant polygon").getAttribute("points"),
    "20,10 40,10 40,30 20,30");
  assert.deepEqual(lines(), []);
  drawing.show([], null, view, CANVAS);
  assert.equal(drawing.svg.querySelector(".meant"), null);
});
