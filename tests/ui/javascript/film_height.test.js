// What stands above the film is measured whenever the height of the page changes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openPage, runScript } from "./page.js";

const BODY = `<div class="stApp" data-test-script-state="running"><div class="stMain">
  <div class="stMainBlockContainer"><div class="stVerticalBlock"><div class="st-key-reading"></div></div></div>
  </div></div>`;

test("the style sheet is told where the film begins, scrolled or not", async () => {
  const window = openPage(BODY);
  const watched = [];
  let changed;
  window.ResizeObserver = class {
    constructor(measure) { changed = measure; }
    observe(element) { watched.push(element.className); }
    disconnect() {}
  };
  runScript(window, "film_height.js");
  const above = () => window.document.documentElement.style.getPropertyValue("--above");
  window.document.querySelector(".stMain").scrollTop = 40;
  window.document.querySelector(".st-key-reading").getBoundingClientRect = () => ({ top: 109.2 });
  for (const state of ["notRunning", "running", "notRunning"]) {
    window.document.querySelector(".stApp").dataset.testScriptState = state;
    await new Promise((done) => { setImmediate(done); });
  }
  assert.deepEqual(watched, ["stVerticalBlock"]);
  assert.equal(above(), "");
  changed();
  assert.equal(above(), "150px");
  window.document.querySelector(".st-key-reading").remove();
  changed();
  assert.equal(above(), "150px");
});
