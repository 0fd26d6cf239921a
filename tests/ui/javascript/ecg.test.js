// Calipers on the electrocardiogram: what a distance on the paper is in ms and mV, by mouse and by keys.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import ecg, { meantOn, measured, onPaper, said, stripAt } from "../../../ui/static/ecg.js";
import { openPage, press } from "./page.js";

const strip = (lead, left, top) => ({ lead, left, start: (left - 15) / 25, end: (left - 15) / 25 + 2.5,
  top, baseline: top + 15, bottom: top + 25, level: 0 });
const STRIPS = [strip("I", 15, 5), strip("aVR", 77.5, 5), strip("II", 15, 35), strip("aVL", 77.5, 35)];
const DATA = { tracing: "a", svg: "<svg><path></path></svg>", width: 270, height: 165, strips: STRIPS,
  words: "<p>Rate 80</p>" };

let place;

function show(more = {}) {
  ecg({ data: { ...DATA, ...more }, parentElement: place });
}

// The sheet is 540 by 330 on the screen, so 2 pixels are a millimetre.
function pointer(name, x, y) {
  const event = new MouseEvent(name, { bubbles: true, clientX: x + 100, clientY: y + 50 });
  sheet().dispatchEvent(event);
}

const sheet = () => place.querySelector(".sheet");
const reading = () => place.querySelector(".reading").textContent;

beforeEach(() => {
  openPage(`<div id="place"></div>`);
  place = document.getElementById("place");
  show();
  sheet().getBoundingClientRect = () => ({ left: 100, top: 50, width: 540, height: 330 });
});

test("25 mm are a second and 10 mm a millivolt", () => {
  assert.deepEqual(measured({ x: 20, y: 40 }, { x: 45, y: 30 }), { ms: 1000, mv: 1, rate: 60 });
  assert.deepEqual(measured({ x: 45, y: 30 }, { x: 41, y: 35 }), { ms: 160, mv: -0.5, rate: null });
});

test("a point of the screen is a point of the paper, and none lies beside it", () => {
  const box = { left: 100, top: 50, width: 540, height: 330 };
  const size = { width: 270, height: 165 };
  assert.deepEqual(onPaper(box, size, 150, 90), { x: 25, y: 20 });
  assert.deepEqual(onPaper(box, size, 0, 9999), { x: 0, y: 165 });
});

test("a point belongs to the lead that it lies on, or to the nearest", () => {
  assert.equal(stripAt(STRIPS, { x: 20, y: 20 }).lead, "I");
  assert.equal(stripAt(STRIPS, { x: 90, y: 50 }).lead, "aVL");
  assert.equal(stripAt(STRIPS, { x: 20, y: 32 }).lead, "I");
  assert.equal(stripAt(STRIPS, { x: 3, y: 20 }), null);
});

test("words name lead, time, voltage with its sign, and a rate where it can be one", () => {
  assert.equal(said(STRIPS, { x: 20, y: 30 }, { x: 40, y: 25 }), "I, 800\u00a0ms, +0.50\u00a0mV, 75/min");
  assert.equal(said(STRIPS, { x: 20, y: 30 }, { x: 22, y: 33 }), "I, 80\u00a0ms, \u22120.30\u00a0mV");
  assert.equal(said(STRIPS, { x: 20, y: 30 }, { x: 22, y: 30 }), "I, 80\u00a0ms, 0.00\u00a0mV");
});

test("a drag measures, and a click takes the calipers away", () => {
  pointer("pointerdown", 40, 60);
  pointer("pointermove", 80, 40);
  assert.equal(reading(), "I, 800\u00a0ms, +1.00\u00a0mV, 75/min");
  pointer("pointerup", 80, 40);
  pointer("pointermove", 200, 40);
  assert.equal(reading(), "I, 800\u00a0ms, +1.00\u00a0mV, 75/min");
  assert.equal(place.querySelectorAll(".calipers path").length, 2);
  pointer("pointerdown", 40, 60);
  pointer("pointerup", 40, 60);
  assert.equal(reading(), "");
  assert.equal(place.querySelectorAll(".calipers *").length, 0);
});

test("keys alone measure too", () => {
  press(sheet(), "ArrowRight");
  assert.equal(reading(), "");
  assert.ok(press(sheet(), "Enter").defaultPrevented);
  for (let i = 0; i < 2; i += 1) press(sheet(), "ArrowRight", { shiftKey: true });
  press(sheet(), "ArrowUp");
  assert.equal(reading(), "I, 400\u00a0ms, +0.05\u00a0mV, 150/min");
  press(sheet(), "ArrowDown", { altKey: true });
  assert.equal(reading(), "I, 400\u00a0ms, +0.05\u00a0mV, 150/min");
  press(sheet(), "Escape");
  assert.equal(reading(), "");
  assert.ok(!press(sheet(), "j").defaultPrevented);
});

test("another diagnosis leaves what was measured, another tracing does not", () => {
  pointer("pointerdown", 40, 60);
  pointer("pointermove", 80, 40);
  pointer("pointerup", 80, 40);
  show({ svg: "<svg><rect></rect></svg>" });
  assert.ok(place.querySelector(".sheet rect"));
  assert.match(reading(), /800/);
  show({ tracing: "b", words: "<p>Rate 120</p>" });
  assert.equal(reading(), "");
  assert.match(place.querySelector(".words").textContent, /120/);
  assert.equal(place.querySelectorAll(".ecg").length, 1);
});

test("a sentence means the seconds of a lead, a whole lead, or all of the tracing", () => {
  const size = { width: 270, height: 165 };
  assert.deepEqual(meantOn(STRIPS, size, { lead: "aVR", seconds: [2.6, 3] }).map(near),
    [{ x: 80, y: 5, width: 10, height: 25 }]);
  assert.equal(meantOn(STRIPS, size, { lead: "aVR", seconds: [0.1, 0.4] })[0].width, 62.5);
  assert.equal(meantOn(STRIPS, size, { lead: "I", seconds: null })[0].width, 62.5);
  assert.deepEqual(meantOn(STRIPS, size, { lead: "", seconds: null }), [{ x: 0, y: 0, ...size }]);
});

function near(box) {
  return Object.fromEntries(Object.entries(box).map(([name, value]) => [name, Math.round(value * 1e6) / 1e6]));
}

test("what a sentence means is marked on its tracing until it means another", () => {
  globalThis.CustomEvent = window.CustomEvent;
  const mean = (detail) => document.dispatchEvent(new CustomEvent("triptych-evidence", { detail }));
  show({ at: "ecg 0" });
  mean({ tracing: "ecg 0", lead: "I", seconds: [0.2, 0.6] });
  assert.equal(place.querySelectorAll(".meant").length, 1);
  mean({ tracing: "notes 0", lead: "", seconds: null });
  assert.equal(place.querySelectorAll(".meant").length, 0);
  mean(null);
  assert.equal(place.querySelectorAll(".meant").length, 0);
});
