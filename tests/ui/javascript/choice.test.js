// What is beside the film: chosen by mouse and key, remembered for each reader, told to the page.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import choice from "../../../ui/static/choice.js";
import { openPage, press } from "./page.js";

const OPTIONS = [["film", "Film", "Film alone"], ["prior", "+ Prior", "Both"], ["labs", "+ Labs", "Labs"]];

let place, told;

beforeEach(() => {
  openPage(`<div id="place"></div><input id="text">`);
  globalThis.CustomEvent = window.CustomEvent;
  place = document.getElementById("place");
  told = [];
  document.addEventListener("triptych-choice", ({ detail }) => told.push(`${detail.name} ${detail.value}`));
});

function show({ reader = "dr.a", options = OPTIONS, usual = "labs" } = {}) {
  const data = { name: "hanging", label: "Beside the film", options, usual, key: "q", reader };
  return choice({ data, parentElement: place });
}

function button(value) {
  return place.querySelector(`[data-value=${value}]`);
}

function chosen() {
  return document.documentElement.dataset.hanging;
}

function ask(value) {
  document.dispatchEvent(new CustomEvent("triptych-ask", { detail: { name: "hanging", value } }));
}

test("without a choice the usual one holds, and is told", () => {
  show();
  assert.equal(chosen(), "labs");
  assert.deepEqual(told, ["hanging labs"]);
  assert.equal(button("labs").getAttribute("aria-checked"), "true");
});

test("a click chooses, once, and the browser remembers it for this reader alone", () => {
  show();
  button("prior").click();
  button("prior").click();
  assert.deepEqual(told, ["hanging labs", "hanging prior"]);
  place.replaceChildren();
  show();
  assert.equal(chosen(), "prior");
  show({ reader: "dr.b" });
  assert.equal(chosen(), "labs");
});

test("what a case does not have is not chosen there, and comes back with the next", () => {
  show();
  button("prior").click();
  show({ options: [OPTIONS[0], OPTIONS[2]] });
  assert.equal(chosen(), "labs");
  assert.equal(button("prior"), null);
  show();
  assert.equal(chosen(), "prior");
});

test("its key goes on from anywhere but a field, with Shift back", () => {
  show();
  press(document.body, "q");
  assert.equal(chosen(), "film");
  press(document.body, "Q", { shiftKey: true });
  assert.equal(chosen(), "labs");
  press(document.getElementById("text"), "q");
  press(document.body, "q", { ctrlKey: true });
  assert.equal(chosen(), "labs");
});

test("it is one stop of the Tab key, and the arrows choose", () => {
  show();
  const stops = () => [...place.querySelectorAll("button")].filter((one) => one.tabIndex === 0);
  assert.deepEqual(stops().map(({ dataset }) => dataset.value), ["labs"]);
  button("labs").focus();
  press(button("labs"), "ArrowLeft");
  assert.equal(chosen(), "prior");
  assert.equal(document.activeElement, button("prior"));
  assert.deepEqual(stops(), [button("prior")]);
});

test("another part of the page may ask for one, and for the one before", () => {
  show();
  ask("prior");
  assert.equal(chosen(), "prior");
  ask("");
  assert.equal(chosen(), "labs");
  ask("nothing of the kind");
  assert.equal(chosen(), "labs");
});

test("the one before is never the one that is shown", () => {
  show({ usual: "prior" });
  ask("");
  assert.equal(chosen(), "film");
});

test("another run of the page changes nothing, and what is gone hears nothing", () => {
  const gone = show();
  button("film").click();
  show();
  assert.equal(chosen(), "film");
  gone();
  press(document.body, "q");
  assert.equal(chosen(), "film");
});
