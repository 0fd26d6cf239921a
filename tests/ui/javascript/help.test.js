// The list of all keys.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createHelp } from "../../../ui/viewer/help.js";
import { KEYS } from "../../../ui/viewer/keys.js";
import { openPage, press } from "./page.js";

test("every key that does something is listed; Escape closes and reaches nothing else", () => {
  openPage();
  let closed = 0, leaked = 0;
  const help = createHelp(() => { closed += 1; });
  document.body.append(help.dialog);
  document.addEventListener("keydown", () => { leaked += 1; });
  const listed = [...help.dialog.querySelectorAll("td")].map(({ textContent }) => textContent);
  for (const { does } of KEYS.filter((key) => key.does)) assert.ok(listed.includes(does), does);
  help.toggle(true);
  assert.equal(document.activeElement.textContent, "Close (Esc)");
  press(document.activeElement, "Escape");
  assert.deepEqual([closed, leaked], [1, 0]);
});
