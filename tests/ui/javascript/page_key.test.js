// The key that comes behind the address is kept under it, goes with every connection, and is not shown.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { openPage, runScript } from "./page.js";

const KEY = "0123456789abcdef".repeat(4);

let opened, lacking, offered;

beforeEach(() => {
  lacking = [];
  opened = openPage("", (message) => lacking.push(message));
  opened.WebSocket = class {
    constructor(address, protocols) { offered = [address, [...protocols]]; }
  };
});

function connect() {
  new opened.WebSocket("ws://127.0.0.1:8501/_stcore/stream", ["streamlit", "a", "b"]);
  return offered;
}

test("it is taken out of the address and offered last", () => {
  opened.location.hash = `#page=${KEY}`;
  runScript(opened, "page_key.js");
  assert.equal(opened.location.href, "http://127.0.0.1:8501/");
  assert.equal(opened.history.length, 2, "Back does not lead to it");
  assert.deepEqual(connect()[1], ["streamlit", "a", "b", `triptych.${KEY}`]);
  assert.deepEqual(lacking, []);
});

test("a reload and another tab have it, and the one of a later sign-in", () => {
  opened.localStorage.setItem("triptych-page-key", KEY);
  runScript(opened, "page_key.js");
  assert.equal(connect()[1].at(-1), `triptych.${KEY}`);
  opened.localStorage.setItem("triptych-page-key", "f".repeat(64));
  assert.equal(connect()[1].at(-1), `triptych.${"f".repeat(64)}`);
});

test("where there is none the page leaves for the sign-in page", () => {
  opened.location.hash = "#page=none";
  runScript(opened, "page_key.js");
  assert.match(lacking.join(), /navigation/);
  assert.equal(connect()[1].at(-1), "triptych.none");
});
