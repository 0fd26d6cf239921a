// Follows the assessment of an added case by small requests, until it is over.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openPage, runScript, stopTime } from "./page.js";

const ROW = (name) => `<tr><td><span class="chip">working</span>
  <span data-job="${name}" data-state="working">Starting</span></td>
  <td><button data-pick="again ${name}" hidden>Try again</button></td></tr>`;
const settled = () => new Promise((done) => { setImmediate(done); });

async function open(answers) {
  const opened = openPage(`<table>${Object.keys(answers).map(ROW).join("")}</table>`);
  const clock = stopTime(opened);
  const asked = [];
  opened.fetch = async (address, { method, body }) => {
    asked.push([address, method, body]);
    const said = answers[JSON.parse(body).job].shift();
    return { ok: Boolean(said), json: async () => said };
  };
  runScript(opened, "added.js");
  await settled();
  return { asked, next: async () => { clock.pass(700); await settled(); } };
}

const shown = (name) => document.querySelector(`[data-job="${name}"]`);
const again = (name) => document.querySelector(`[data-pick="again ${name}"]`);

test("the words follow, and when it is done nothing is asked any more", async () => {
  const page = await open({ one: [{ state: "working", words: "Loading" }, { state: "done", words: "Assessed" }] });
  assert.equal(shown("one").textContent, "Loading");
  await page.next();
  assert.equal(shown("one").textContent, "Assessed");
  assert.equal(document.querySelector(".chip").className, "chip good");
  assert.ok(again("one").hidden);
  await page.next();
  assert.deepEqual(page.asked, Array(2).fill(["/added", "POST", '{"job":"one"}']));
});

test("what failed offers another try, and a job that is not known changes nothing", async () => {
  await open({ one: [{ state: "failed", words: "Not assessed" }], other: [] });
  assert.equal(document.querySelector(".chip").className, "chip bad");
  assert.equal(again("one").hidden, false);
  assert.equal(shown("other").textContent, "Starting");
  assert.ok(again("other").hidden);
});
