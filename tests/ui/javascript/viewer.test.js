// The viewer where there is nothing to draw on; what it draws is tested in a browser.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { putFrame } from "../../../ui/viewer/registry.js";
import viewer from "../../../ui/viewer/viewer.js";
import { openPage } from "./page.js";

const DATA = { frame: "a", name: "frontal", description: "Frontal radiograph", label: "Current",
  prior: null, overlay: { shown: true, opacity: 45, threshold: 25 } };
const FRAME = { id: "a", frames: 1, rows: 2, columns: 2, presets: [] };

let element;
beforeEach(() => {
  delete globalThis[Symbol.for("triptych.pixels")];
  openPage("<div id=viewer></div>");
  element = document.getElementById("viewer");
  window.HTMLCanvasElement.prototype.getContext = () => null; // no WebGL2
});

function said() {
  return element.querySelector("[role=alert]").textContent;
}

test("the viewer waits for its pixels and says so", () => {
  viewer({ data: DATA, parentElement: element });
  assert.equal(said(), "Loading image");
  putFrame({ ...FRAME, id: "b" }, "carrier");
  assert.equal(said(), "Loading image");
});

test("without WebGL2 it says why there is no image, and what can be done", () => {
  viewer({ data: DATA, parentElement: element });
  putFrame(FRAME, "carrier");
  assert.match(said(), /no WebGL2.*Turn on hardware acceleration/);
});

test("a viewer that is gone does not open when its pixels come late", () => {
  viewer({ data: DATA, parentElement: element })();
  putFrame(FRAME, "carrier");
  assert.equal(said(), "Loading image");
});
