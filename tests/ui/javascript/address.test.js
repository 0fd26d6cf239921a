// Back and Forward find what was on the screen.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openPage, runScript } from "./page.js";

test("what Streamlit writes between two pages is no entry of the history", () => {
  const opened = openPage();
  runScript(opened, "address.js");
  const before = opened.history.length;
  for (const url of ["/?id=4", "/case?id=4", "/case", "/"]) opened.history.pushState({}, "", url);
  assert.equal(opened.history.length, before + 2);
  assert.equal(opened.location.pathname, "/");
});

test("a case that Back leads to is asked for by a new number", () => {
  const opened = openPage();
  runScript(opened, "address.js");
  opened.history.pushState({}, "", "/case?id=4");
  opened.dispatchEvent(new opened.Event("popstate"));
  assert.match(opened.location.search, /^\?id=4&back=\d+$/);
});
