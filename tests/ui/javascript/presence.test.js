// Says that somebody is at work on a case, at most every half minute, and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openPage, runScript, stopTime } from "./page.js";

test("signs of life are told at most every 30 seconds, by a request of their own", () => {
  const opened = openPage('<span data-visit="random"></span>');
  const clock = stopTime(opened);
  const sent = [];
  opened.fetch = async (address, { method, body }) => sent.push([address, method, body]);
  runScript(opened, "presence.js");
  const sign = (name) => document.body.dispatchEvent(new Event(name, { bubbles: true }));

  clock.pass(29_000);
  sign("keydown");
  assert.deepEqual(sent, []);
  clock.pass(1000);
  for (const name of ["pointermove", "wheel", "pointerdown"]) sign(name);
  assert.deepEqual(sent, [["/alive", "POST", '{"visit":"random"}']]);
  document.querySelector("span").remove();
  clock.pass(40_000);
  sign("wheel");
  assert.equal(sent.length, 1);
});
