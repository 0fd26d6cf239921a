// Rows and cards to choose from: by mouse, by keys, and what stays when they are drawn again.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import picklist from "../../../ui/static/picklist.js";
import { openPage, press } from "./page.js";

const ROWS = ["a", "b", "c"];

function rows(names) {
  const cells = (name) => `<td data-mark="${name}" class="box"></td><td>Case ${name}</td>`;
  return `<table><tr data-sort="time"><th>Time</th></tr>${names.map((name, i) =>
    `<tr data-pick="${name}" tabindex="${i ? -1 : 0}">${cells(name)}</tr>`).join("")}</table>`;
}

let sent, list;
function show(names, subject = "") {
  picklist({ data: { html: rows(names), subject }, parentElement: list,
    setTriggerValue: (name, value) => sent.push([name, value]) });
}

function row(name) {
  return list.querySelector(`[data-pick="${name}"]`);
}

function click(element) {
  element.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
}

beforeEach(() => {
  openPage(`<div class="stMain"><div class="st-key-search"><input></div><div id="list"></div></div>`);
  list = document.getElementById("list");
  sent = [];
  show(ROWS);
  sent.length = 0;
});

test("a click chooses a row, marks it by its box, or sorts by a heading", () => {
  click(row("b").lastChild);
  click(row("c").querySelector(".box"));
  click(list.querySelector("th"));
  assert.deepEqual(sent, [["pick", "b"], ["mark", "c"], ["sort", "time"]]);
});

test("Enter chooses; the space bar marks where there is a box", () => {
  press(row("a"), "Enter");
  press(row("a"), " ");
  assert.deepEqual(sent, [["pick", "a"], ["mark", "a"]]);
});

test("arrows and the ends move through the rows and stop there", () => {
  row("a").focus();
  for (const [key, name] of [["ArrowDown", "b"], ["End", "c"], ["ArrowDown", "c"],
    ["ArrowUp", "b"], ["PageDown", "c"], ["PageUp", "a"], ["Home", "a"]]) {
    assert.ok(press(document.activeElement, key).defaultPrevented);
    assert.equal(document.activeElement, row(name), key);
  }
});

test("the Tab key stops once, where the reader was last", () => {
  row("c").focus();
  assert.deepEqual(ROWS.map((name) => row(name).tabIndex), [-1, -1, 0]);
});

test("the focus stays on its row when the rows come in another order", () => {
  row("b").focus();
  show(["c", "b", "a"]);
  assert.equal(document.activeElement, row("b"));
});

test("the same rows are not drawn again", () => {
  const before = row("a");
  show(ROWS);
  assert.equal(row("a"), before);
});

test("another subject starts without the old focus", () => {
  row("b").focus();
  show(ROWS, "case 2");
  assert.equal(document.activeElement, document.body);
});

test("a slash goes to the search, the arrow down from there to the first row", () => {
  const search = document.querySelector("input");
  press(document.body, "/");
  assert.equal(document.activeElement, search);
  press(search, "ArrowDown");
  assert.equal(document.activeElement, row("a"));
});

test("a slash that is typed into a field stays there", () => {
  const search = document.querySelector("input");
  search.focus();
  assert.ok(!press(search, "/").defaultPrevented);
});

test("keys are heard once, however often Streamlit loads this module", async () => {
  const { default: again } = await import("../../../ui/static/picklist.js?again");
  again({ data: { html: rows(["b"]), subject: "" }, parentElement: list, setTriggerValue: () => {} });
  let heard = 0;
  document.querySelector("input").select = () => { heard += 1; };
  press(document.body, "/");
  assert.equal(heard, 1);
});

test("a list that comes later, further down, leaves the page where it is", () => {
  list.replaceChildren();
  show(["a"], null);
  assert.deepEqual(sent, []);
});
