// A field that a run of the page draws anew keeps what is typed into it.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { connect } from "./connection.js";
import { openPage, press, runScript, stopTime } from "./page.js";

const FORM = `<div data-testid="stForm">
  <div class="st-key-password-1"><input type="password"></div>
  <div class="stFormSubmitButton st-key-send"><button></button></div></div>`;
const BODY = `
  <div class="stApp" data-test-script-state="notRunning">
    <div class="masthead"><h1>Case 1</h1></div>
    <div class="st-key-decisions stButton st-key-accept"><button>
      Accept <span aria-label="Shortcut A"></span></button></div>
    <div class="st-key-reasons">${FORM}</div>
  </div>`;

let clock, connection, sent, accepted;

function field() {
  return document.querySelector("[data-testid=stForm] input");
}

// As a browser does it, key by key.
function type(text) {
  for (const letter of text) {
    const at = document.activeElement;
    if (press(at, letter).defaultPrevented || at.tagName !== "INPUT") continue;
    at.value += letter;
    at.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

async function pass(milliseconds) {
  for (let left = milliseconds; left >= 0; left -= 16) {
    clock.pass(Math.min(left, 16));
    await new Promise((done) => { setImmediate(done); });
  }
}

async function takeAway() {
  document.querySelector(".st-key-reasons").innerHTML = "";
  await pass(0);
}

async function bringBack() {
  document.querySelector(".st-key-reasons").innerHTML = FORM;
  listen();
  await pass(0);
}

function listen() {
  document.querySelector(".st-key-send button").addEventListener("click", () => sent.push(field().value));
}

beforeEach(() => {
  const opened = openPage(BODY);
  clock = stopTime(opened);
  [sent, accepted] = [[], 0];
  document.execCommand = (name, _, text) => {
    const at = document.activeElement;
    at.value = name === "delete" ? "" : at.value.slice(0, at.selectionStart) + text + at.value.slice(at.selectionEnd);
    at.dispatchEvent(new Event("input", { bubbles: true }));
  };
  connection = connect(opened);
  for (const name of ["form_focus.js", "type_ahead.js", "form_kept.js"]) runScript(opened, name);
  listen();
  document.querySelector(".st-key-accept button").addEventListener("click", () => { accepted += 1; });
  field().focus();
});

test("what is typed before, while and after a field is drawn anew stands in it", async () => {
  type("sag");
  connection.hears("begins");
  await takeAway();
  type("as jo");
  await bringBack();
  connection.hears("ends");
  await pass(400);
  assert.equal(document.activeElement, field());
  type("in");
  assert.equal(field().value, "sagas join");
  assert.equal(accepted, 0);
});

test("a form that was drawn anew is sent with what stood in it when it was sent", async () => {
  type("sagas");
  connection.hears("begins");
  document.querySelector(".st-key-send button").click();
  await takeAway();
  await bringBack();
  connection.hears("ends");
  await pass(600);
  assert.deepEqual(sent, ["sagas"]);
});

test("who has gone into the new field is not overtaken by what the old one had", async () => {
  type("sa");
  connection.hears("begins");
  await takeAway();
  await bringBack();
  field().focus();
  type("zeal");
  connection.hears("ends");
  await pass(400);
  assert.equal(field().value, "zeal");
});

test("on another case nothing of it is awaited, and keys are commands", async () => {
  type("sa");
  connection.hears("begins");
  await takeAway();
  document.querySelector("h1").textContent = "Case 2";
  await bringBack();
  document.querySelector("[data-testid=stForm]").remove();
  connection.hears("ends");
  await pass(200);
  type("a");
  await pass(100);
  assert.equal(accepted, 1);
});

test("what was typed after that is a password and no command", async () => {
  type("sa");
  connection.hears("begins");
  await takeAway();
  type("g");
  document.querySelector("h1").textContent = "Worklist";
  connection.hears("ends");
  await pass(200);
  type("a");
  await pass(100);
  assert.equal(accepted, 0);
});
