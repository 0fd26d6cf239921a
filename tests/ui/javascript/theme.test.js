// Dark unless the reader chose the light theme.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import theme from "../../../ui/static/theme.js";
import { openPage, runScript } from "./page.js";

let opened, bar, sent, lacking;

beforeEach(() => {
  lacking = [];
  opened = openPage(`<div class="stApp" style="color-scheme: dark"></div><div id="bar"></div>`,
    (message) => lacking.push(message));
  bar = document.getElementById("bar");
  sent = [];
});

function show(leaving = false) {
  theme({ parentElement: bar, data: { leaving },
    setTriggerValue: (name, value) => sent.push([name, value]) });
}

function chosen() {
  runScript(opened, "theme_choice.js");
  const kept = opened.localStorage.getItem("stActiveTheme-/-v2");
  return [JSON.parse(kept), document.documentElement.dataset.theme];
}

test("without a choice Streamlit is told the dark theme, before it starts", () => {
  assert.deepEqual(chosen(), ["Dark", "dark"]);
});

test("the button offers the other theme, and the browser remembers it", () => {
  show();
  const button = bar.querySelector("button");
  assert.equal(button.textContent, "Light theme");
  button.click();
  assert.deepEqual(sent, [["change", "Light"]]);
  assert.deepEqual(chosen(), ["Light", "light"]);
});

test("in the light theme it offers the dark one", () => {
  document.querySelector(".stApp").style.colorScheme = "light";
  show();
  assert.equal(bar.textContent, "Dark theme");
});

test("there is one button, however often the page runs", () => {
  show();
  show();
  assert.equal(bar.querySelectorAll("button").length, 1);
});

test("the page is loaded again once the server has kept what is open", () => {
  show();
  assert.deepEqual(lacking, []);
  show(true);
  assert.match(lacking.join(), /navigation/);
});

test("what else may be in the store is no theme", () => {
  opened.localStorage.setItem("triptych-theme", "Sepia");
  assert.deepEqual(chosen(), ["Dark", "dark"]);
});
