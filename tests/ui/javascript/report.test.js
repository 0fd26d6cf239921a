// Which looks are told with a decision, and for how long each was on the screen.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { marksOn, putLook } from "../../../ui/viewer/registry.js";
import report, { createSeen } from "../../../ui/viewer/report.js";
import { openPage, stopTime } from "./page.js";

function look(diagnosis, more = {}) {
  return { image: "frontal", function: "LINEAR", centre: 1, width: 2, inverted: false, diagnosis,
    plane: 1, ...more };
}

function told(seen) {
  return seen.report().map(({ diagnosis, seconds }) => [diagnosis, seconds]);
}

test("seconds add up over all times a look was shown; the longest comes first", () => {
  let now = 0;
  const seen = createSeen(() => now);
  for (const [diagnosis, seconds] of [["a", 2], ["b", 3], ["a", 4]]) {
    seen.shows(look(diagnosis));
    now += 1000 * seconds;
  }
  assert.deepEqual(told(seen), [["a", 6], ["b", 3]]);
});

test("moving the image is the same look; another window is another", () => {
  let now = 0;
  const seen = createSeen(() => now);
  for (const one of [look("a"), look("a", { plane: 2 }), look("a", { centre: 9 })]) {
    seen.shows(one);
    now += 2000;
  }
  assert.deepEqual(told(seen), [["a", 4], ["a", 2]]);
});

test("nothing counts while the page is hidden, nor a look of less than a second", () => {
  let now = 0;
  const seen = createSeen(() => now);
  seen.shows(look("a"));
  now += 1500;
  seen.shows(null);
  now += 60_000;
  seen.shows(look("b"));
  now += 900;
  assert.deepEqual(told(seen), [["a", 1.5]]);
});

test("twenty looks are told of at most", () => {
  let now = 0;
  const seen = createSeen(() => now);
  for (let i = 1; i <= 30; i++) {
    seen.shows(look(`d${i}`));
    now += 1000 * i;
  }
  assert.equal(told(seen).length, 20);
  assert.deepEqual(told(seen)[0], ["d30", 30]);
});

let clock, sent, close;
beforeEach(() => {
  close?.();
  delete globalThis[Symbol.for("triptych.pixels")];
  openPage(`
    <div class="st-key-answers"><button id="accept">Accept</button></div>
    <div class="st-key-decisions"><form data-testid="stForm"><button id="sign">Sign</button></form>
    </div><button id="other">Worklist</button>`);
  clock = stopTime(globalThis);
  sent = [];
  const tells = (place) => (name, value) => sent.push([place, name, value]);
  const frames = { frontal: "a", lateral: "b" };
  close = report({ data: { visit: 1, place: "page", frames }, setStateValue: tells("page") });
  report({ data: { visit: 1, place: "form", frames }, setStateValue: tells("form") });
});

function click(id) {
  document.getElementById(id).dispatchEvent(new MouseEvent("click", { bubbles: true }));
}

test("a decision tells what is on the screen by the report beside it", () => {
  putLook(look("a"), "viewer");
  clock.pass(3000);
  click("accept");
  click("sign");
  const [[place, name, { visit, now, seen }], [form]] = sent;
  assert.deepEqual([place, name, visit, now.diagnosis, form], ["page", "view", 1, "a", "form"]);
  assert.deepEqual(seen.map(({ seconds }) => seconds), [3]);
});

test("with a decision goes what is marked, of the images that were shown", () => {
  putLook(look("a"), "viewer");
  marksOn("a").push({ kind: "arrow", ends: [[1, 2.123], [3, 4]], plane: 0, text: "here" });
  click("accept");
  const [[, , { marks }]] = sent;
  assert.deepEqual(marks, { frontal: [
    { kind: "arrow", frame: 1, points: [[1, 2.12], [3, 4]], text: "here", window: null }] });
});

test("looking, other buttons, and a case without an image tell nothing", () => {
  click("accept");
  putLook(look("a"), "viewer");
  click("other");
  assert.deepEqual(sent, []);
});

test("the time that the page was hidden does not count", () => {
  const hide = (hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  };
  putLook(look("a"), "viewer");
  clock.pass(2000);
  hide(true);
  clock.pass(60_000);
  hide(false);
  clock.pass(1000);
  click("accept");
  assert.deepEqual(sent[0][2].seen.map(({ seconds }) => seconds), [3]);
});

test("looks are counted anew for another visit", () => {
  putLook(look("a"), "viewer");
  clock.pass(5000);
  close = report({ data: { visit: 2, place: "page", frames: {} }, setStateValue: (_, value) => sent.push(value) });
  clock.pass(2000);
  click("accept");
  assert.deepEqual(sent.map(({ visit, seen }) => [visit, seen[0].seconds]), [[2, 2]]);
});
