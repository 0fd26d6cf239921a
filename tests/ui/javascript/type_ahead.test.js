// Keys that are typed faster than the page can take them.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { connect } from "./connection.js";
import { openPage, press, runScript, stopTime } from "./page.js";

const BODY = `
  <div class="stApp" data-test-script-state="notRunning">
    <div class="masthead"><h1>Case 1</h1></div>
    <input id="text"><input id="box" type="checkbox">
    <div class="st-key-answers"></div><div id="bar"></div>
    <table><tr data-pick="a"><td id="row"></td></tr></table>
  </div>`;

let clock, connection, pressed;

function button(key, where = ".st-key-answers", named = `key-${key}`.replaceAll(" ", "")) {
  const holder = document.createElement("div"), made = document.createElement("button");
  holder.className = `stButton st-key-${named}`;
  holder.append(made);
  made.innerHTML = `Label <span aria-label="Shortcut ${key}"></span>`;
  made.addEventListener("click", () => {
    pressed.push(key);
    connection.asks();
  });
  document.querySelector(where).append(holder);
  return made;
}

// As Streamlit does it: the run begins soon after a press, and ends later.
async function run(word) {
  connection.hears(word);
  if (word === "ends") clock.pass(60); // it is drawn
  await pass(0);
}

// Time, with what waits for it.
async function pass(milliseconds) {
  for (let left = milliseconds; left >= 0; left -= 16) {
    clock.pass(Math.min(left, 16));
    await new Promise((done) => { setImmediate(done); });
  }
}

function newCase(name) {
  document.querySelector("h1").textContent = name;
}

beforeEach(() => {
  const opened = openPage(BODY);
  clock = stopTime(opened);
  pressed = [];
  document.execCommand = (_, __, text) => { document.activeElement.value += text; };
  connection = connect(opened);
  runScript(opened, "form_focus.js");
  runScript(opened, "type_ahead.js");
});

test("a key presses its button at once when the page is at rest", () => {
  button("A");
  assert.ok(press(document.body, "a").defaultPrevented);
  assert.deepEqual(pressed, ["A"]);
});

test("in full screen no key decides on a case, or leaves it", () => {
  for (const key of ["A", "J"]) button(key);
  Object.defineProperty(document, "fullscreenElement", { value: document.body, configurable: true });
  for (const key of ["a", "j"]) assert.ok(press(document.body, key).defaultPrevented);
  assert.deepEqual(pressed, []);
});

test("keys of no button here, and those of Streamlit and the viewer, are left alone", () => {
  for (const key of ["r", "c", "i", "ArrowDown"]) {
    assert.ok(!press(document.body, key).defaultPrevented);
  }
  assert.ok(!press(document.body, "a", { altKey: true }).defaultPrevented);
  assert.ok(!press(document.body, "a", { ctrlKey: true }).defaultPrevented);
});

test("what is typed into a field is text; a checkbox takes none", () => {
  button("A");
  press(document.getElementById("text"), "a");
  assert.deepEqual(pressed, []);
  press(document.getElementById("box"), "a");
  assert.deepEqual(pressed, ["A"]);
});

test("Ctrl+Enter is heard in a field, too", () => {
  button("Ctrl + Enter");
  press(document.getElementById("text"), "Enter", { ctrlKey: true });
  assert.deepEqual(pressed, ["Ctrl + Enter"]);
});

test("A, S, Ctrl+Enter typed at once: one press for each run", async () => {
  ["A", "S", "Enter"].forEach((key) => button(key));
  press(document.body, "a");
  press(document.body, "s");
  press(document.body, "Enter", { ctrlKey: true });
  for (const expected of [["A"], ["A", "S"], ["A", "S", "Enter"]]) {
    await pass(200);
    assert.deepEqual(pressed, expected);
    await run("begins");
    clock.pass(300);
    assert.deepEqual(pressed, expected);
    if (expected.length === 2) openForm();
    await run("ends");
  }
});

test("the same case, left and opened again by other means, takes commands", async () => {
  const heading = document.querySelector(".masthead h1");
  const first = heading.textContent;
  button("W");
  button("A");
  press(document.body, "w");
  clock.pass(100);
  await run("begins");
  heading.textContent = "Worklist";
  await run("ends");
  clock.pass(100);
  heading.textContent = first; // a row was opened by Enter, which this file does not hear
  clock.pass(100);
  press(document.body, "a");
  clock.pass(100);
  assert.deepEqual(pressed, ["W", "A"]);
});

test("what goes on being typed for a form that does not come is no command", async () => {
  ["S", "N"].forEach((key) => button(key));
  document.querySelector("button").disabled = true; // there is nothing to sign yet
  press(document.body, "s");
  clock.pass(1000);
  press(document.body, "n");
  clock.pass(900);
  press(document.body, "n");
  clock.pass(100);
  assert.deepEqual(pressed, []);
  clock.pass(1001);
  press(document.body, "n");
  clock.pass(100);
  assert.deepEqual(pressed, ["N"]);
});

test("a key waits for a button that the run has yet to draw", async () => {
  await run("begins");
  press(document.body, "s");
  clock.pass(5000);
  await run("ends");
  clock.pass(200);
  button("S");
  clock.pass(20);
  assert.deepEqual(pressed, ["S"]);
});

test("a disabled button is waited for, then given up", () => {
  button("A").disabled = true;
  press(document.body, "a");
  clock.pass(1000);
  document.querySelector("button").disabled = false;
  clock.pass(1000);
  assert.deepEqual(pressed, []);
});

test("a decision typed behind a key that moves on is dropped", async () => {
  button("A");
  button("J", "#bar");
  press(document.body, "j");
  press(document.body, "a");
  await run("begins");
  newCase("Case 2");
  await run("ends");
  clock.pass(2000);
  assert.deepEqual(pressed, ["J"]);
});

test("what acts on a case is dropped, too, where the key led nowhere", async () => {
  button("M", "#bar");
  button("J", "#bar");
  press(document.body, "j");
  press(document.body, "m"); // meant for another case
  await run("begins");
  await run("ends");
  clock.pass(5000);
  assert.deepEqual(pressed, ["J"]);
});

test("a decision that waits is not carried over to another case", async () => {
  await run("begins");
  press(document.body, "a");
  newCase("Case 2");
  button("A");
  await run("ends");
  clock.pass(2000);
  assert.deepEqual(pressed, []);
});

test("a click on a decision behind a key that moves on does not reach it", () => {
  const accept = button("A");
  button("J", "#bar");
  press(document.body, "j");
  accept.click();
  assert.deepEqual(pressed, ["J"]);
});

test("nor one behind a click on a row of the list", () => {
  const accept = button("A");
  document.getElementById("row").click();
  accept.click();
  assert.deepEqual(pressed, []);
});

test("a click that something at the window has stopped keeps the next one from nothing", () => {
  const heard = [];
  document.querySelector("tr").addEventListener("click", () => heard.push("a"));
  const stop = (event) => event.stopImmediatePropagation();
  window.addEventListener("click", stop, { capture: true });
  document.getElementById("row").click();
  window.removeEventListener("click", stop, { capture: true });
  assert.deepEqual(heard, []);
  document.getElementById("row").click();
  assert.deepEqual(heard, ["a"]);
});

test("a click during a run waits for its end, and finds the button that was drawn anew", async () => {
  const accept = button("A");
  await run("begins");
  accept.click();
  accept.parentElement.remove();
  clock.pass(2000);
  assert.deepEqual(pressed, []);
  button("A");
  await run("ends");
  clock.pass(20);
  assert.deepEqual(pressed, ["A"]);
});

test("a click during a run is not carried over to another case", async () => {
  const accept = button("A");
  await run("begins");
  accept.click();
  newCase("Case 2");
  await run("ends");
  clock.pass(2000);
  assert.deepEqual(pressed, []);
});

test("Cyrillic letters are the Latin ones on the same keys; dead keys and input methods are none", () => {
  for (const key of ["A", "Z"]) button(key);
  press(document.body, "ф", { code: "KeyA" });
  assert.deepEqual(pressed, ["A"]);
  press(document.body, "Dead", { code: "KeyZ" });
  press(document.body, "é", { code: "KeyZ" });
  press(document.body, "z", { isComposing: true });
  clock.pass(3000);
  assert.deepEqual(pressed, ["A"]);
});

function openForm() {
  const reasons = document.createElement("div");
  reasons.className = "st-key-reasons";
  reasons.innerHTML = '<div data-testid="stForm"><input id="search"><input id="comment"></div>';
  document.querySelector(".stApp").append(reasons);
}

test("what is typed behind a key that opens a form goes into the form", async () => {
  ["E", "A", "J"].forEach((key) => button(key));
  press(document.body, "e");
  const catcher = document.activeElement;
  assert.equal(catcher.getAttribute("aria-label"), "The form opens");
  press(catcher, "a");
  catcher.value = "asthma"; // as a browser does it
  await run("begins");
  clock.pass(500);
  openForm();
  await run("ends");
  await pass(200);
  assert.equal(document.activeElement.id, "search");
  assert.equal(document.activeElement.value, "asthma");
  assert.deepEqual(pressed, ["E"]);
});

test("a click that sends a form waits until what was typed before is in it", async () => {
  button("E", "#bar", "add").click();
  const catcher = document.activeElement;
  await run("begins");
  openForm();
  const sent = [];
  const send = button("Enter", "[data-testid=stForm]");
  send.addEventListener("click", () => sent.push(document.getElementById("search").value));
  catcher.value = "asthma";
  await run("ends");
  send.click();
  assert.deepEqual(sent, []);
  await pass(400);
  assert.deepEqual(sent, ["asthma"]);
});

test("a form that is left is left, also where a field of the one before it still stood in it", async () => {
  document.querySelector("#bar").innerHTML = `<div class="st-key-reasons">
    <div data-testid="stForm" id="form">
      <div class="st-key-comment-2"><input type="text"></div>
      <div class="st-key-code-1"><input type="text" value="of the case before"></div></div></div>`;
  button("Cancel", "#form", "cancel");
  await run("begins");
  document.querySelector("#form .st-key-cancel button").click();
  document.querySelector(".st-key-code-1").remove();
  await run("ends");
  await pass(100);
  assert.deepEqual(pressed, ["Cancel"]);
});

test("who has gone into a form already is not led to its beginning", async () => {
  for (const typed of ["", "asthma"]) {
    const add = button("E", "#bar", "add");
    add.click();
    const catcher = document.activeElement;
    await run("begins");
    openForm();
    catcher.value = typed;
    document.getElementById("comment").focus();
    await run("ends");
    await pass(200);
    assert.equal(document.activeElement.id, "comment");
    assert.equal(document.getElementById("search").value, typed);
    document.querySelector(".st-key-reasons").remove();
    add.parentElement.remove();
  }
});

test("while a form is open single keys do nothing, and afterwards they do", async () => {
  button("A");
  openForm();
  press(document.body, "a");
  clock.pass(3000);
  document.querySelector(".st-key-reasons").remove();
  assert.deepEqual(pressed, []);
  press(document.body, "a");
  assert.deepEqual(pressed, ["A"]);
});

test("where no form comes, the keys are commands again after a while", async () => {
  ["E", "A"].forEach((key) => button(key));
  press(document.body, "e");
  await run("begins");
  await run("ends");
  clock.pass(3000);
  press(document.body, "a");
  assert.deepEqual(pressed, ["E", "A"]);
});

test("a move that led nowhere is forgotten when its run has ended", async () => {
  const accept = button("A");
  button("J", "#bar");
  press(document.body, "j");
  clock.pass(5500); // a busy server begins late
  accept.click();
  assert.deepEqual(pressed, ["J"]);
  await run("begins");
  await run("ends");
  accept.click();
  assert.deepEqual(pressed, ["J", "A"]);
});

test("what waits when the connection is lost is dropped", async () => {
  button("A");
  await run("begins");
  press(document.body, "a");
  connection.close();
  clock.pass(100);
  connection.open();
  await run("begins");
  await run("ends");
  clock.pass(2000);
  assert.deepEqual(pressed, []);
});

test("a run whose beginning and end are drawn in one go is waited for, and for no longer", async () => {
  button("A");
  button("X");
  press(document.body, "a");
  press(document.body, "x");
  for (const word of ["begins", "draws", "ends"]) connection.hears(word);
  assert.deepEqual(pressed, ["A"]);
  clock.pass(100);
  assert.deepEqual(pressed, ["A", "X"]);
});

test("a key that is held down presses once a run", async () => {
  button("J", "#bar");
  press(document.body, "j");
  for (let i = 0; i < 20; i++) press(document.body, "j", { repeat: true });
  await run("begins");
  newCase("Case 2");
  await run("ends");
  clock.pass(2000);
  assert.deepEqual(pressed, ["J"]);
});

test("no more than twelve keys wait", async () => {
  button("A");
  await run("begins");
  for (let i = 0; i < 30; i++) press(document.body, "a");
  for (let i = 0; i < 30; i++) {
    await run("ends");
    clock.pass(20);
    await run("begins");
  }
  assert.equal(pressed.length, 12);
});
