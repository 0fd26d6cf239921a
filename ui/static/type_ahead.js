// Presses the buttons of the page by their keys: at once, or as soon as the page can take it.
//
// Streamlit hears the key of a button only while that button is there and enabled: not while the run
// that brings it is under way. What is typed meanwhile waits here and is pressed, one key for each
// run. What does something to a case is never carried over to another: it is dropped
// where it was typed, or clicked, behind what moves on.

const MOVES = "jknw";
const ACTS = "amxezs";
const RUNS = "[data-testid^=stBaseButton]"; // buttons of the page, not those of the viewer
const DECIDING = ".st-key-answers, .st-key-decisions";
const MOST = 12; // keys that wait
const SENT_MS = 1000; // after a press, until it is taken for one that asked for no run
const DRAWN_MS = 700; // after a run, until its buttons are there
const LEFT_MS = 3000; // until a move that changed nothing is forgotten
const LOOK_MS = 15;

const waiting = [];
let pressed = -Infinity;
let ran = true; // whether Streamlit has said since the last press that it runs
let free = null; // since when the page takes keys
let looking = 0;
let left = null; // what was on the screen when a key moved on, until something else is

function runs() {
  const app = document.querySelector(".stApp");
  return app?.dataset.testScriptState !== "notRunning";
}

function busy() {
  // A second press before the first has begun a run would be one with it.
  return runs() || (!ran && performance.now() - pressed < SENT_MS);
}

function subject() {
  return document.querySelector(".masthead h1")?.textContent ?? "";
}

function moves(name) {
  return name.length === 1 && MOVES.includes(name.toLowerCase());
}

function goes(name) {
  pressed = performance.now();
  ran = false;
  free = null;
  left = moves(name) ? subject() : null;
}

// Whether what comes next on the screen is another case than the one that is read.
function leaving() {
  const late = performance.now() - pressed > LEFT_MS;
  if (left !== null && (left !== subject() || (late && !busy()))) left = null;
  return left !== null || waiting.some(({ name }) => moves(name));
}

function typing({ target }) {
  return target instanceof Element &&
    target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable=true]");
}

// The key as a button names it at its end, or "" if it is none of the page's.
function nameOf(event) {
  if (event.altKey || event.shiftKey) return "";
  if (event.ctrlKey || event.metaKey) return event.key === "Enter" ? "Enter" : "";
  const key = event.key.toLowerCase();
  return key.length === 1 && (MOVES + ACTS).includes(key) && !typing(event) ? key.toUpperCase() : "";
}

const PREFIX = "Shortcut ";
const MARK = `[aria-label^="${PREFIX}"]`;

function keyOf(button) {
  const shown = button?.querySelector(MARK)?.getAttribute("aria-label").slice(PREFIX.length) ?? "";
  return shown.split(" + ").at(-1); // without Ctrl, or ⌘ on a Mac
}

function buttonOf(name) {
  return [...document.querySelectorAll("button")].find((button) => keyOf(button) === name);
}

function next() {
  window.clearTimeout(looking);
  const now = performance.now();
  free = busy() ? null : free ?? now;
  if (free !== null) {
    const { name, on } = waiting[0];
    const button = buttonOf(name);
    if (on !== subject() && !moves(name)) waiting.shift();
    else if (button && !button.disabled) {
      waiting.shift();
      button.click(); // and `goes`, below
    } else if (now - free > DRAWN_MS) waiting.shift();
  }
  if (waiting.length) looking = window.setTimeout(next, LOOK_MS);
}

new MutationObserver(() => {
  if (runs()) ran = true;
}).observe(document.documentElement, {
  subtree: true,
  attributeFilter: ["data-test-script-state"],
});

window.addEventListener("keydown", (event) => {
  const name = nameOf(event);
  if (!name) return;
  // Not left to Streamlit, which hears it only some time after the button was drawn.
  event.preventDefault();
  event.stopImmediatePropagation();
  if (event.repeat && (busy() || waiting.length)) return;
  if (waiting.length >= MOST || (leaving() && !moves(name))) return;
  waiting.push({ name, on: subject() });
  next();
}, { capture: true });

window.addEventListener("click", (event) => {
  const row = event.target.closest?.("tr[data-pick]");
  const button = event.target.closest?.(RUNS);
  if (row) goes(MOVES[0]);
  else if (button && leaving() && button.closest(DECIDING)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  } else if (button) goes(keyOf(button));
}, { capture: true });
