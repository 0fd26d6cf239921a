// Whether a run of the page is under way, from what goes over the connection.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { connect } from "./connection.js";
import { openPage, stopTime } from "./page.js";

const BODY = '<div class="stApp" data-test-script-state="notRunning"></div>';

let clock, connection, rested;

beforeEach(() => {
  const opened = openPage(BODY);
  clock = stopTime(opened);
  connection = connect(opened);
  rested = 0;
  document.addEventListener("triptychrested", () => { rested += 1; });
});

test("from the request to some frames after the end, whatever the document says", () => {
  assert.ok(!connection.runs.busy());
  connection.asks();
  clock.pass(20_000); // a server may be slow
  assert.ok(connection.runs.busy());
  for (const word of ["begins", "draws", "ends"]) {
    connection.hears(word);
    assert.ok(connection.runs.busy(), word);
  }
  assert.equal(rested, 0);
  clock.pass(100);
  assert.ok(!connection.runs.busy());
  assert.equal(rested, 1);
});

test("between two runs of one request, too", () => {
  connection.asks();
  for (const word of ["begins", "continues"]) connection.hears(word);
  clock.pass(1000);
  assert.ok(connection.runs.busy());
  for (const word of ["begins", "ends"]) connection.hears(word);
  clock.pass(100);
  assert.ok(!connection.runs.busy());
});

test("the end of one run is not that of the next", () => {
  connection.hears("begins");
  connection.hears("ends");
  clock.pass(20);
  connection.asks();
  clock.pass(100);
  assert.ok(connection.runs.busy());
  connection.hears("begins");
  clock.pass(100);
  assert.ok(connection.runs.busy());
});

test("after a press until it has asked for a run, or for a moment where it does not", () => {
  connection.runs.pressed();
  assert.ok(connection.runs.busy());
  clock.pass(301);
  assert.ok(!connection.runs.busy());
});

test("while what is drawn still says so", () => {
  document.querySelector(".stApp").dataset.testScriptState = "running";
  assert.ok(connection.runs.busy());
});

test("a page without a connection is busy, and one that lost it is not busy for ever", () => {
  const opened = openPage(BODY);
  const other = connect(opened, false);
  assert.ok(other.runs.busy());
  assert.ok(!other.runs.connected());
  other.open();
  assert.ok(!other.runs.busy());
  other.asks();
  other.close();
  assert.ok(other.runs.busy());
  other.open();
  assert.ok(!other.runs.busy());
});
