// Says that somebody is at work, at most every half minute, and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openPage, stopTime } from "./page.js";

test("signs of life are told at most every 30 seconds, until the page is left", async () => {
  openPage();
  const clock = stopTime(globalThis);
  const { default: heartbeat } = await import("../../../ui/static/heartbeat.js");
  const sent = [];
  const remove = heartbeat({ setTriggerValue: (name, value) => sent.push([name, value]) });
  const sign = (name) => document.body.dispatchEvent(new Event(name, { bubbles: true }));

  clock.pass(29_000);
  sign("keydown");
  assert.deepEqual(sent, []);
  clock.pass(1000);
  for (const name of ["pointermove", "wheel"]) sign(name);
  clock.pass(900);
  sign("pointerdown"); // a click may follow, and goes first
  clock.pass(900);
  assert.deepEqual(sent, []);
  clock.pass(100);
  assert.deepEqual(sent, [["beat", 31_900]]);
  clock.pass(40_000);
  sign("wheel");
  remove();
  sign("keydown");
  clock.pass(40_000);
  assert.equal(sent.length, 1);
});
