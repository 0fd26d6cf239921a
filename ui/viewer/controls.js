// Pointer, wheel, touch and keyboard to actions. Each function returns one that takes its
// listeners off again.

import { boundTo } from "./keys.js";

const TOUCH_SLACK = 8; // css px before a finger counts as dragging, so that a second may come
const LINE_HEIGHT = 16;
const NOTCH = 60; // wheel travel for one frame

function listening() {
  const off = [];
  return {
    listen(target, name, handler, options) {
      target.addEventListener(name, handler, options);
      off.push(() => target.removeEventListener(name, handler, options));
    },
    stop: () => off.forEach((remove) => remove()),
  };
}

function typing(event) {
  const target = event.composedPath()[0];
  return target instanceof HTMLElement &&
    (target.isContentEditable || (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) &&
      !/^(range|checkbox|radio)$/.test(target.type)));
}

function dragOf(event) {
  if (event.button === 1 || event.shiftKey) return "pan";
  return event.button === 2 ? "zoom" : "tool";
}

// Two fingers: what they did since last time, in canvas pixels.
function pinch(before, now) {
  const middle = (pair) => [0, 1].map((i) => (pair[0][i] + pair[1][i]) / 2);
  const apart = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
  const from = middle(before), to = middle(now);
  return { factor: apart(now) / apart(before), at: to, by: [to[0] - from[0], to[1] - from[1]] };
}

// `act(name, value)` as in viewer.js; `measuring` of the pane; `tool()` is "window" or a kind.
export function attachPointer(canvas, act, measuring, tool) {
  const { listen, stop } = listening();
  const fingers = new Map();
  let drag = null;
  const position = (event) => {
    const bounds = canvas.getBoundingClientRect();
    const ratio = canvas.width / bounds.width;
    return [(event.clientX - bounds.left) * ratio, (event.clientY - bounds.top) * ratio, ratio];
  };
  const move = (name, [x, y, ratio]) => {
    const dx = x - drag.at[0], dy = y - drag.at[1];
    if (name === "measure") measuring.drag([x, y]);
    else if (name === "pan") act("pan", [dx, dy]);
    else if (name === "zoom") act("zoom", [Math.exp(dy / ratio / 200), ...drag.start]);
    else act("window", [dx / ratio, dy / ratio]);
    drag.at = [x, y];
  };
  listen(canvas, "pointerdown", (event) => {
    const at = position(event);
    act("activate");
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    event.preventDefault();
    fingers.set(event.pointerId, at);
    if (fingers.size > 1) {
      measuring.drop();
      drag = null;
      return;
    }
    const kind = tool() === "window" ? null : tool();
    let name = dragOf(event);
    if (name === "tool") name = measuring.press(at, kind) ? "measure" : "window";
    const slack = event.pointerType === "touch" && name !== "measure" ? TOUCH_SLACK * at[2] : 0;
    drag = { name, at, start: at.slice(0, 2), slack };
  });
  listen(canvas, "pointermove", (event) => {
    const at = position(event);
    if (event.pointerType !== "touch") act("probe", at.slice(0, 2));
    if (fingers.size > 1 && fingers.has(event.pointerId)) {
      const before = [...fingers.values()].slice(0, 2);
      fingers.set(event.pointerId, at);
      const { factor, at: middle, by } = pinch(before, [...fingers.values()].slice(0, 2));
      act("pan", by);
      act("zoom", [factor, ...middle]);
    } else if (drag && Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) >= drag.slack) {
      if (drag.slack) Object.assign(drag, { at, slack: 0 });
      move(drag.name, at);
    }
  });
  for (const name of ["pointerup", "pointercancel"]) {
    listen(canvas, name, (event) => {
      fingers.delete(event.pointerId);
      if (drag?.name === "measure") measuring.drop();
      drag = null;
    });
  }
  listen(canvas, "pointerleave", () => act("probe", null));
  listen(canvas, "contextmenu", (event) => event.preventDefault());
  listen(canvas, "dblclick", () => act("fit"));
  listen(canvas, "focus", () => act("activate"));
  return stop;
}

// Zoom, or with several frames scroll; a trackpad's pinch arrives as a wheel with Ctrl.
export function attachWheel(canvas, act, frames) {
  const { listen, stop } = listening();
  let travel = 0;
  listen(canvas, "wheel", (event) => {
    event.preventDefault();
    act("activate");
    const delta = event.deltaY * (event.deltaMode ? LINE_HEIGHT : 1);
    if (frames > 1 && !event.ctrlKey) {
      travel += delta;
      const steps = Math.trunc(travel / NOTCH);
      travel -= steps * NOTCH;
      if (steps) act("scroll", steps);
      return;
    }
    const bounds = canvas.getBoundingClientRect();
    const ratio = canvas.width / bounds.width;
    const speed = event.ctrlKey && Math.abs(delta) < 50 ? 100 : 500;
    act("zoom", [Math.exp(-delta / speed), (event.clientX - bounds.left) * ratio,
      (event.clientY - bounds.top) * ratio]);
  }, { passive: false });
  return stop;
}

// `press({ act, key, shift })` for a key of keys.js (Cmd is as good as Ctrl), on `target` or, for null, anywhere.
export function attachKeys(target, press) {
  const { listen, stop } = listening();
  listen(target ?? document, "keydown", (event) => {
    if (event.altKey || typing(event)) return;
    const held = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
    const found = boundTo(`${held}${event.key}`, target ? "image" : "page");
    if (!found) return;
    event.preventDefault();
    event.stopPropagation();
    press({ ...found, shift: event.shiftKey });
  });
  return stop;
}
