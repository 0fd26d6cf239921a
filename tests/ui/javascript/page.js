// A page without a browser: what the modules of the page find as globals, and time that passes only
// when a test says so.

import { readFileSync } from "node:fs";
import { JSDOM, VirtualConsole } from "jsdom";

const STATIC = new URL("../../../ui/static/", import.meta.url);
const GLOBALS = ["window", "document", "Element", "HTMLElement", "Option", "Event", "MouseEvent",
  "KeyboardEvent", "getComputedStyle"];
const FRAME_MS = 16;

// A new page with this body; its predecessor's globals are replaced. `lacking` hears what the page was
// asked for and only a browser can do, such as "navigation".
export function openPage(body = "", lacking = () => {}) {
  const virtualConsole = new VirtualConsole();
  virtualConsole.on("jsdomError", ({ message }) => lacking(message));
  const { window } = new JSDOM(`<!doctype html><body>${body}</body>`,
    { url: "http://127.0.0.1:8501/", runScripts: "outside-only", pretendToBeVisual: true,
      virtualConsole });
  for (const name of GLOBALS) globalThis[name] = window[name];
  window.Element.prototype.scrollIntoView = () => {}; // nothing scrolls here
  return window;
}

// Runs a script that is not a module, as the shell of the page does (ui/host/shell.py).
export function runScript(window, name) {
  window.eval(`{${readFileSync(new URL(name, STATIC), "utf8")}}`);
}

export function press(target, key, more = {}) {
  const event = new KeyboardEvent("keydown",
    { key, bubbles: true, cancelable: true, composed: true, ...more });
  target.dispatchEvent(event);
  return event;
}

// Clock and timers of `target`, which is a window or globalThis.
export function stopTime(target) {
  let now = 0, last = 0;
  const due = new Map();
  const add = (act, after, every) => due.set(++last, { act, at: now + after, every }) && last;
  const own = {
    setTimeout: (act, after = 0) => add(act, after, null),
    requestAnimationFrame: (act) => add(act, FRAME_MS, null),
    setInterval: (act, every) => add(act, every, every),
    clearTimeout: (id) => due.delete(id),
    clearInterval: (id) => due.delete(id),
  };
  Object.assign(target, own);
  Object.defineProperty(target.performance, "now", { value: () => now, configurable: true });
  return {
    pass(milliseconds) {
      const end = now + milliseconds;
      for (;;) {
        const [first] = [...due].filter(([, { at }]) => at <= end)
          .sort(([, one], [, other]) => one.at - other.at);
        if (!first) break;
        const [id, { act, at, every }] = first;
        now = at;
        if (every === null) due.delete(id);
        else due.get(id).at += every;
        act();
      }
      now = end;
    },
  };
}
