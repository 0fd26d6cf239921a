// A clause of a sentence leads to its evidence, by mouse and by key, and away from it again.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { openPage, press, runScript } from "./page.js";

const clause = (at, more = "") => `<span class="clause" role="button" tabindex="0" aria-pressed="false"
  data-evidence="${at}" ${more}>${at}</span>`;
const BODY = `<div class="st-key-film"></div><p>${clause("measurements value 2823-3")}
  ${clause("image region 0", 'data-film="image" data-box="10,20,30,40"')}
  ${clause("image whole", 'data-film="image"')}
  ${clause("ecg stretch 0", 'data-tracing="ecg 0" data-lead="V2" data-seconds="1.2,1.6"')}</p>
  <table><tr data-at="measurements value 2823-3"></tr><tr data-at="measurements value 2951-2"></tr></table>`;

let told, clauses;

beforeEach(() => {
  const opened = openPage(BODY);
  opened.MutationObserver ??= class { observe() {} };
  globalThis.CustomEvent = opened.CustomEvent;
  runScript(opened, "evidence.js");
  told = [];
  document.addEventListener("triptych-evidence", ({ detail }) => told.push(detail));
  clauses = [...document.querySelectorAll(".clause")];
});

function lit() {
  return [...document.querySelectorAll(".lit")].map((one) => one.dataset.at ?? one.className);
}

test("its row is lit until it is pressed again", () => {
  clauses[0].click();
  assert.deepEqual(lit(), ["measurements value 2823-3"]);
  assert.equal(clauses[0].getAttribute("aria-pressed"), "true");
  clauses[0].click();
  assert.deepEqual(lit(), []);
  assert.equal(clauses[0].getAttribute("aria-pressed"), "false");
  assert.equal(told.at(-1), null);
});

test("the viewer is told the film and the box, the tracing its lead and seconds", () => {
  clauses[1].click();
  assert.deepEqual([told.at(-1).film, [...told.at(-1).box]], ["image", [10, 20, 30, 40]]);
  assert.deepEqual(lit(), []);
  clauses[3].click();
  assert.equal(JSON.stringify(told.at(-1)),
    '{"film":null,"box":null,"tracing":"ecg 0","lead":"V2","seconds":[1.2,1.6]}');
  assert.deepEqual(clauses.map((one) => one.getAttribute("aria-pressed")), ["false", "false", "false", "true"]);
});

test("of the film as a whole all of it is lit", () => {
  clauses[2].click();
  assert.deepEqual(lit(), ["st-key-film lit"]);
});

test("Enter and the space bar press it, other keys do not", () => {
  assert.ok(!press(clauses[0], "a").defaultPrevented);
  assert.deepEqual(lit(), []);
  assert.ok(press(clauses[0], "Enter").defaultPrevented);
  assert.deepEqual(lit(), ["measurements value 2823-3"]);
  assert.ok(press(clauses[0], " ").defaultPrevented);
  assert.deepEqual(lit(), []);
});

test("nothing stays lit when the sentences are of another suggestion", async () => {
  clauses[0].click();
  document.querySelector("p").replaceChildren();
  await new Promise((done) => { setTimeout(done); });
  assert.deepEqual(lit(), []);
  assert.equal(told.at(-1), null);
});
