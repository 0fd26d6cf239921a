// Pointer, wheel and keys to actions.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { attachKeys, attachPointer, attachWheel } from "../../../ui/viewer/controls.js";
import { openPage, press } from "./page.js";

let canvas, asked, measured, hit, tool;
const act = (name, value) => asked.push(value === undefined ? [name] : [name, value]);
const measuring = {
  press: (at, kind) => measured.push(["press", at.slice(0, 2), kind]) && hit,
  drag: (at) => measured.push(["drag", at]),
  drop: () => measured.push(["drop"]),
};

// 400 x 200 device pixels on 200 x 100 css pixels, 10 px from the left.
beforeEach(() => {
  openPage("<canvas width=400 height=200 tabindex=0></canvas><input id=text><input id=s type=range>");
  canvas = document.querySelector("canvas");
  canvas.getBoundingClientRect = () => ({ left: 10, top: 0, width: 200, height: 100 });
  canvas.setPointerCapture = () => {};
  [asked, measured, hit, tool] = [[], [], false, "window"];
});

function pointer(name, x, y, more = {}) {
  const event = new MouseEvent(name, { clientX: x, clientY: y, bubbles: true, cancelable: true });
  for (const [key, value] of Object.entries({ pointerId: 1, pointerType: "mouse", ...more })) {
    Object.defineProperty(event, key, { value });
  }
  canvas.dispatchEvent(event);
}

function drag(from, to, more) {
  pointer("pointerdown", ...from, more);
  pointer("pointermove", ...to, more);
  pointer("pointerup", ...to, more);
  return asked.filter(([name]) => name !== "activate" && name !== "probe");
}

test("a drag windows by pixels of the screen, whatever their density", () => {
  attachPointer(canvas, act, measuring, () => tool);
  assert.deepEqual(drag([20, 10], [30, 15]), [["window", [10, 5]]]);
});

test("with Shift or the middle button it moves the image by device pixels", () => {
  attachPointer(canvas, act, measuring, () => tool);
  drag([20, 10], [30, 15], { shiftKey: true });
  assert.deepEqual(drag([20, 10], [30, 15], { button: 1 }), [["pan", [20, 10]], ["pan", [20, 10]]]);
});

test("the right button zooms about the point where it was pressed", () => {
  attachPointer(canvas, act, measuring, () => tool);
  assert.deepEqual(drag([20, 10], [20, 30], { button: 2 }), [["zoom", [Math.exp(0.1), 20, 20]]]);
});

test("a drag that begins on a measurement, or with a tool, measures", () => {
  attachPointer(canvas, act, measuring, () => tool);
  [hit, tool] = [true, "length"];
  assert.deepEqual(drag([20, 10], [30, 15]), []);
  assert.deepEqual(measured, [["press", [20, 20], "length"], ["drag", [40, 30]], ["drop"]]);
});

test("a finger counts as dragging from 8 px on, so that a second may come", () => {
  attachPointer(canvas, act, measuring, () => tool);
  const touch = { pointerType: "touch" };
  pointer("pointerdown", 20, 10, touch);
  pointer("pointermove", 25, 10, touch);
  assert.deepEqual(asked, [["activate"], ["activate"]]); // by the press and by the focus
  pointer("pointermove", 40, 10, touch);
  pointer("pointermove", 41, 10, touch);
  assert.deepEqual(asked.slice(2), [["window", [0, 0]], ["window", [1, 0]]]);
});

test("two fingers move and zoom about their middle", () => {
  attachPointer(canvas, act, measuring, () => tool);
  pointer("pointerdown", 20, 10, { pointerType: "touch", pointerId: 1 });
  pointer("pointerdown", 40, 10, { pointerType: "touch", pointerId: 2 });
  asked.length = 0;
  pointer("pointermove", 60, 10, { pointerType: "touch", pointerId: 2 });
  assert.deepEqual(asked, [["pan", [20, 0]], ["zoom", [2, 60, 20]]]);
});

test("the wheel zooms about the pointer; with several frames it scrolls, a notch a frame", () => {
  const wheel = (deltaY, more) => canvas.dispatchEvent(new window.WheelEvent("wheel",
    { deltaY, clientX: 60, clientY: 50, cancelable: true, ...more }));
  const done = () => asked.splice(0).filter(([name]) => name !== "activate");
  const stop = attachWheel(canvas, act, 1);
  wheel(-100);
  assert.deepEqual(done(), [["zoom", [Math.exp(0.2), 100, 100]]]);
  stop();
  attachWheel(canvas, act, 8);
  wheel(40);
  assert.deepEqual(done(), []);
  wheel(40);
  assert.deepEqual(done(), [["scroll", 1]]);
  wheel(30); // 20 were left over, and a notch is 60
  assert.deepEqual(done(), []);
  wheel(-10, { ctrlKey: true }); // a trackpad's pinch
  assert.deepEqual(done(), [["zoom", [Math.exp(0.1), 100, 100]]]);
});

test("keys are the viewer's, but not what is typed into a field", () => {
  attachKeys(null, act);
  assert.ok(press(document.body, "i").defaultPrevented);
  assert.ok(!press(document.getElementById("text"), "i").defaultPrevented);
  assert.ok(!press(document.body, "i", { ctrlKey: true }).defaultPrevented);
  press(document.getElementById("s"), "i"); // a slider takes no letters
  assert.deepEqual(asked.map(([{ act: name }]) => name), ["invert", "invert"]);
});

test("what is taken off hears nothing any more", () => {
  attachPointer(canvas, act, measuring, () => tool)();
  attachKeys(canvas, act)();
  drag([20, 10], [30, 15]);
  press(canvas, "Enter");
  assert.deepEqual(asked, []);
});
