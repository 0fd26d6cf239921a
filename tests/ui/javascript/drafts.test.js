// Tells what stands in an open form, soon after it changed, and never a password.

import assert from "node:assert/strict";
import { test } from "node:test";

import { connect } from "./connection.js";
import { openPage, runScript, stopTime } from "./page.js";

const BODY = `<span data-visit="random"></span>
  <div class="st-key-reasons"><div data-testid="stForm">
    <div class="st-key-comment"><input value="half a sen"></div>
    <div class="st-key-sign-password"><input type="password" value="secret"></div>
    <div class="st-key-sure"><button role="radio" aria-checked="true">Low</button></div>
  </div></div>`;

test("fields are told once after a pause, without passwords", () => {
  const opened = openPage(BODY);
  const clock = stopTime(opened);
  const sent = [];
  opened.fetch = async (address, { body }) => sent.push([address, JSON.parse(body)]);
  document.querySelectorAll("[role=radio]").forEach((e) => { e.innerText = e.textContent; });
  runScript(opened, "drafts.js");
  const input = document.querySelector("input");
  for (let i = 0; i < 3; i++) input.dispatchEvent(new Event("input", { bubbles: true }));
  clock.pass(200);
  assert.deepEqual(sent, []);
  clock.pass(100);
  const fields = { comment: "half a sen", sure: "Low" };
  assert.deepEqual(sent, [["/draft", { visit: "random", fields, beside: {} }]]);
  input.dispatchEvent(new Event("input", { bubbles: true }));
  clock.pass(300);
  assert.equal(sent.length, 1);
  input.value = "half a sentence";
  document.dispatchEvent(new Event("pointerdown")); // on what may lead away
  assert.equal(sent.length, 2);
});

test("what stands in a form again after it was closed is told again", () => {
  const opened = openPage(BODY);
  const sent = [];
  opened.fetch = async (_, { body }) => sent.push(JSON.parse(body).fields.comment);
  document.querySelectorAll("[role=radio]").forEach((e) => { e.innerText = e.textContent; });
  runScript(opened, "drafts.js");
  const form = document.querySelector("[data-testid=stForm]"), place = form.parentElement;
  const click = () => document.body.click();
  click();
  click();
  form.remove();
  click();
  place.append(form);
  click();
  assert.deepEqual(sent, ["half a sen", "half a sen"]);
});

test("what stands in it is told by the click that leads away, before the move has begun", () => {
  const opened = openPage(`<div class="stApp" data-test-script-state="notRunning"></div>${BODY}
    <div class="stButton st-key-next"><button id="next"></button></div>`);
  const sent = [];
  opened.fetch = async (_, { body }) => sent.push(JSON.parse(body).fields.comment);
  document.querySelectorAll("[role=radio]").forEach((e) => { e.innerText = e.textContent; });
  connect(opened);
  for (const name of ["form_focus.js", "drafts.js", "type_ahead.js"]) runScript(opened, name);
  document.getElementById("next").click();
  document.querySelector("input").value = "of another case";
  document.body.click();
  assert.deepEqual(sent, ["half a sen"]);
});

test("a note beside the form is told without one, and that it is empty again", () => {
  const opened = openPage(`<span data-visit="random"></span><div class="st-key-note-CASE-1">
    <textarea>Deaf</textarea></div>`);
  const sent = [];
  opened.fetch = async (_, { body }) => sent.push(JSON.parse(body));
  runScript(opened, "drafts.js");
  document.body.click();
  document.querySelector("textarea").value = "";
  document.body.click();
  document.body.click();
  assert.deepEqual(sent, [{ visit: "random", fields: {}, beside: { note: "Deaf" } },
    { visit: "random", fields: {}, beside: {} }]);
});

test("where a case is added, the field that is being typed in is told, and again when the page goes", () => {
  const opened = openPage(`<span data-entry="random"></span>
    <div class="st-key-add-age"><input value="61"></div>
    <div class="st-key-add-note-note"><textarea>Cough</textarea></div>`);
  const sent = [];
  opened.fetch = async (_, { body }) => sent.push(JSON.parse(body));
  runScript(opened, "drafts.js");
  document.body.click();
  assert.deepEqual(sent, []);
  document.querySelector("textarea").focus();
  document.body.click();
  opened.dispatchEvent(new Event("pagehide"));
  const told = { entry: "random", fields: { "add-note-note": "Cough" } };
  assert.deepEqual(sent, [told, told]);
});

test("marks on the film are told, and that there are none any more", () => {
  const opened = openPage(`<span data-visit="random"></span>`);
  const sent = [];
  opened.fetch = async (_, { body }) => sent.push(JSON.parse(body).marks);
  runScript(opened, "drafts.js");
  let on = [];
  opened.triptychMarks = () => ({ image: on });
  document.body.click();
  on = [{ kind: "arrow" }];
  document.body.click();
  on = [];
  document.body.click();
  assert.deepEqual(sent, [{ image: [{ kind: "arrow" }] }, { image: [] }]);
});
