// What stands above the film is measured whenever the height of the page changes.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { openPage, runScript } from "./page.js";

const BODY = `<div class="stApp" data-test-script-state="running"><div class="stMain">
  <div class="masthead"><h1>Case 1</h1></div>
  <div class="stMainBlockContainer"><div class="stVerticalBlock"><div class="st-key-reading"></div></div></div>
  </div></div>`;

let opened, watched, scrolled, changed;

beforeEach(() => {
  opened = openPage(BODY);
  watched = [];
  scrolled = 0;
  opened.ResizeObserver = class {
    constructor(measure) { changed = measure; }
    observe(element) { watched.push(element.className); }
    disconnect() {}
  };
  opened.document.querySelector(".stMain").scrollTo = () => { scrolled += 1; };
  runScript(opened, "film_height.js");
});

function above() {
  return opened.document.documentElement.style.getPropertyValue("--above");
}

test("the style sheet is told where the film begins, scrolled or not", () => {
  opened.document.querySelector(".stMain").scrollTop = 40;
  opened.document.querySelector(".st-key-reading").getBoundingClientRect = () => ({ top: 109.2 });
  changed();
  assert.equal(above(), "150px");
  opened.document.querySelector(".st-key-reading").remove();
  changed();
  assert.equal(above(), "150px");
});

test("the height of the page is watched from the first run on, once", async () => {
  for (const state of ["notRunning", "running", "notRunning"]) {
    opened.document.querySelector(".stApp").dataset.testScriptState = state;
    await new Promise((done) => { setImmediate(done); });
  }
  assert.deepEqual(watched, ["stVerticalBlock"]);
});

test("another case begins at the top, and the same one stays where it is", () => {
  changed();
  changed();
  assert.equal(scrolled, 1);
  opened.document.querySelector("h1").textContent = "Case 2";
  changed();
  assert.equal(scrolled, 2);
});
