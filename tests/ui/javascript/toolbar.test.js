// Buttons, window list and sliders: what they ask for, and what they show.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { createToolbar } from "../../../ui/viewer/toolbar.js";
import { newView } from "../../../ui/viewer/view.js";
import { openPage } from "./page.js";

const PRESETS = ["Normal", "Lung"].map((label, i) =>
  ({ label, key: i ? "" : "1", function: "LINEAR", centre: i, width: 10, table: null }));
const OVERLAY = { shown: true, opacity: 45, threshold: 25 };

let asked, bar;
function open(priorLabel) {
  bar = createToolbar(priorLabel, (name, value) => asked.push([name, value]));
  document.body.append(bar.top, bar.bottom);
}

function show(more = {}) {
  const view = newView(PRESETS[0], OVERLAY, 1);
  bar.show({ view, active: view, presets: PRESETS, heat: { label: "Pneumonia" }, tool: "window",
    priorShown: false, linked: true, helpShown: false, ...more });
}

function named(name) {
  return [...document.querySelectorAll("button, input, select")].find((one) =>
    one.getAttribute("aria-label").startsWith(name));
}

beforeEach(() => {
  openPage();
  asked = [];
});

test("every button has a name, and asks for what its key does", () => {
  open("Prior 2030-01-01");
  for (const button of document.querySelectorAll("button")) {
    assert.match(button.getAttribute("aria-label"), /\(key .+\)/);
    button.click();
  }
  assert.deepEqual(asked.map(([name]) => name), ["leave", "length", "angle", "rectangle",
    "arrow", "text", "key", "invert", "fit", "full", "actual", "rotateLeft", "rotateRight",
    "reset", "overlay", "flipAcross", "flipDown", "prior", "link", "help"]);
});

test("without a prior image none is offered", () => {
  open("");
  assert.equal(named("Show or hide the prior"), undefined);
});

test("windows are listed with their keys; one that was made by hand is none of them", () => {
  open("");
  show();
  const list = named("Window (keys");
  assert.deepEqual([...list.options].map(({ text }) => text), ["1 Normal", "Lung", "By hand"]);
  assert.equal(list.value, "0");
  show({ active: { ...newView(PRESETS[0], OVERLAY, 1), width: 11 } });
  assert.equal(list.value, "-1");
});

test("choosing a window gives the focus back to the image, where the keys are", () => {
  open("");
  show();
  const list = named("Window (keys");
  list.value = "1";
  list.dispatchEvent(new Event("change"));
  assert.deepEqual(asked, [["preset", 1], ["focus", undefined]]);
});

test("sliders give percents", () => {
  open("");
  show();
  const opacity = named("Heat map opacity");
  opacity.value = "80";
  opacity.dispatchEvent(new Event("input"));
  assert.deepEqual(asked, [["opacity", 80]]);
});

test("without a heat map its controls are off", () => {
  open("");
  show({ heat: null });
  const controls = ["Heat map of", "Heat map opacity", "Hide relevance"].map(named);
  assert.deepEqual(controls.map(({ disabled }) => disabled), [true, true, true]);
  show();
  assert.deepEqual(controls.map(({ disabled }) => disabled), [false, false, false]);
});

test("the tool in hand is pressed; linking needs a prior that is shown", () => {
  open("Prior");
  show({ tool: "length" });
  assert.equal(named("Measure a length").getAttribute("aria-pressed"), "true");
  assert.equal(named("Window and level").getAttribute("aria-pressed"), "false");
  assert.equal(named("Move both").disabled, true);
  show({ priorShown: true });
  assert.equal(named("Move both").disabled, false);
});
