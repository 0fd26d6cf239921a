// ui/viewer/changes.js
function say(element2, words2) {
  if (element2.textContent !== words2) element2.textContent = words2;
}
function mark(element2, name, value) {
  const now = String(value);
  if (element2.getAttribute(name) !== now) element2.setAttribute(name, now);
}
function put(field2, value) {
  const now = String(value);
  if (field2.value !== now) field2.value = now;
}

// ui/viewer/cine.js
var SPEEDS = [2, 5, 10, 15, 24, 30];
function createCine(frames, act) {
  const bar = document.createElement("div");
  bar.className = "bar cine";
  bar.hidden = frames < 2;
  const play = document.createElement("button");
  play.type = "button";
  play.className = "tool wide";
  play.addEventListener("click", () => act("play"));
  const slider2 = document.createElement("input");
  Object.assign(slider2, { type: "range", min: 1, max: frames, step: 1, value: 1 });
  slider2.setAttribute("aria-label", "Frame");
  slider2.addEventListener("input", () => act("plane", Number(slider2.value) - 1));
  const number = document.createElement("output");
  const speed = document.createElement("select");
  speed.setAttribute("aria-label", "Speed");
  for (const rate of SPEEDS) speed.add(new Option(`${rate} per second`, rate));
  speed.value = 10;
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
  };
  const start = () => {
    stop();
    timer = setInterval(() => act("advance"), 1e3 / Number(speed.value));
  };
  const show = (plane) => {
    say(play, timer ? "Pause" : "Play");
    mark(play, "aria-label", timer ? "Pause (key G)" : "Play (key G)");
    put(slider2, plane + 1);
    say(number, `${plane + 1} of ${frames}`);
  };
  speed.addEventListener("change", () => {
    if (timer) start();
  });
  bar.append(play, slider2, number, speed);
  return {
    bar,
    show,
    stop,
    toggle() {
      if (frames < 2) return;
      if (timer) stop();
      else start();
    }
  };
}

// ui/viewer/keys.js
var KEYS = [
  {
    on: "page",
    group: "Window",
    press: [..."123456789"],
    shown: "1 – 9",
    act: "preset",
    does: "Window of that number in the list"
  },
  { on: "page", group: "Window", press: "i", shown: "I", act: "invert", does: "Invert greys" },
  {
    on: "page",
    group: "Zoom and position",
    press: "f",
    shown: "F",
    act: "fit",
    does: "Fit image to panel"
  },
  {
    on: "page",
    group: "Zoom and position",
    press: "0",
    shown: "0",
    act: "actual",
    does: "One image pixel on one screen pixel"
  },
  {
    on: "page",
    group: "Zoom and position",
    press: "l",
    shown: "L",
    act: "rotateLeft",
    does: "Rotate left"
  },
  {
    on: "page",
    group: "Zoom and position",
    press: "L",
    shown: "Shift+L",
    act: "rotateRight",
    does: "Rotate right"
  },
  {
    on: "page",
    group: "Zoom and position",
    press: "h",
    shown: "H",
    act: "flipAcross",
    does: "Flip left to right"
  },
  {
    on: "page",
    group: "Zoom and position",
    press: "v",
    shown: "V",
    act: "flipDown",
    does: "Flip top to bottom"
  },
  {
    on: "image",
    group: "Zoom and position",
    press: "+",
    shown: "+",
    act: "zoomIn",
    does: "Zoom in"
  },
  {
    on: "image",
    group: "Zoom and position",
    press: "-",
    shown: "−",
    act: "zoomOut",
    does: "Zoom out"
  },
  {
    on: "image",
    group: "Zoom and position",
    press: "=",
    shown: "=",
    act: "fit",
    does: "Fit image to panel"
  },
  {
    on: "image",
    group: "Zoom and position",
    press: " ",
    shown: "Space",
    act: "reset",
    does: "Reset window, position and heat map"
  },
  {
    on: "page",
    group: "Zoom and position",
    press: "F",
    shown: "Shift+F",
    act: "full",
    does: "Full screen, and back; Esc leaves it"
  },
  {
    on: "page",
    group: "Heat map",
    press: "o",
    shown: "O",
    act: "overlay",
    does: "Heat map of the chosen diagnosis on or off"
  },
  {
    on: "page",
    group: "Measure",
    press: "d",
    shown: "D",
    act: "length",
    does: "Measure a length"
  },
  {
    on: "page",
    group: "Measure",
    press: "D",
    shown: "Shift+D",
    act: "angle",
    does: "Measure an angle: draw one side from its end to the corner, then press where the other ends"
  },
  {
    on: "page",
    group: "Measure",
    press: "b",
    shown: "B",
    act: "rectangle",
    does: "Measure a rectangle"
  },
  {
    on: "page",
    group: "Mark",
    press: "y",
    shown: "Y",
    act: "arrow",
    does: "Draw an arrow, beginning at what it points at, and type its words"
  },
  {
    on: "page",
    group: "Mark",
    press: "Y",
    shown: "Shift+Y",
    act: "text",
    does: "Write on the image"
  },
  {
    on: "page",
    group: "Mark",
    press: "u",
    shown: "U",
    act: "key",
    does: "Make what is shown a key image, or not any more"
  },
  {
    on: "page",
    group: "Mark",
    press: "Ctrl+z",
    shown: "Ctrl+Z",
    act: "undo",
    does: "Take back the last change to the marks"
  },
  {
    on: "image",
    group: "Mark",
    press: "Enter",
    act: "place",
    shown: "Enter",
    does: "Place a mark without the mouse, then go to its other end, and to its words"
  },
  {
    on: "image",
    group: "Mark",
    press: "Delete",
    act: "remove",
    shown: "Delete",
    does: "Delete the selected mark"
  },
  {
    on: "image",
    group: "Mark",
    press: "Backspace",
    act: "remove",
    shown: "Backspace",
    does: "Delete the selected mark"
  },
  {
    on: "image",
    group: "Mark",
    press: "Escape",
    act: "leave",
    shown: "Esc",
    does: "Back to window and level"
  },
  {
    on: "image",
    group: "Arrows",
    press: "ArrowUp",
    act: "up",
    shown: "↑ ↓",
    does: "Previous or next frame; with one frame, move the image"
  },
  { on: "image", group: "Arrows", press: "ArrowDown", act: "down" },
  {
    on: "image",
    group: "Arrows",
    press: "ArrowLeft",
    act: "left",
    shown: "← →",
    does: "Move the image"
  },
  { on: "image", group: "Arrows", press: "ArrowRight", act: "right" },
  { on: "image", group: "Frames", press: "Home", act: "first", shown: "Home", does: "First frame" },
  { on: "image", group: "Frames", press: "End", act: "last", shown: "End", does: "Last frame" },
  { on: "page", group: "Frames", press: "g", act: "play", shown: "G", does: "Play or pause" },
  {
    on: "page",
    group: "Prior image",
    press: "p",
    act: "prior",
    shown: "P",
    does: "Show or hide the prior image"
  },
  {
    on: "page",
    group: "Prior image",
    press: "t",
    act: "link",
    shown: "T",
    does: "Move both images together or apart"
  },
  { on: "page", group: "Help", press: "?", act: "help", shown: "?", does: "These keys" }
];
var POINTER = [
  ["Drag", "Window (right is wider, down is darker), or the chosen mark"],
  ["Right drag", "Zoom"],
  ["Middle drag, Shift+drag", "Move the image"],
  ["Wheel", "Zoom; with several frames, scroll. With Ctrl, or pinching, always zoom"],
  ["Double click", "Fit image to panel"],
  ["One finger, two fingers", "Window; zoom and move"]
];
function boundTo(key, place2) {
  const find = (pressed2) => KEYS.find(({ on, press }) => on === place2 && [press].flat().includes(pressed2));
  const found = find(key) ?? (key.length === 1 ? find(key.toLowerCase()) : void 0);
  return found ? { act: found.act, key } : null;
}
function titleOf(act) {
  const { does, shown } = KEYS.find((key) => key.act === act);
  return `${does} (key ${shown})`;
}

// ui/viewer/controls.js
var TOUCH_SLACK = 8;
var LINE_HEIGHT = 16;
var NOTCH = 60;
function listening() {
  const off = [];
  return {
    listen(target, name, handler, options) {
      target.addEventListener(name, handler, options);
      off.push(() => target.removeEventListener(name, handler, options));
    },
    stop: () => off.forEach((remove) => remove())
  };
}
function typing(event) {
  const target = event.composedPath()[0];
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(range|checkbox|radio)$/.test(target.type));
}
function dragOf(event) {
  if (event.button === 1 || event.shiftKey) return "pan";
  return event.button === 2 ? "zoom" : "tool";
}
function pinch(before, now) {
  const middle = (pair) => [0, 1].map((i) => (pair[0][i] + pair[1][i]) / 2);
  const apart = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
  const from = middle(before), to = middle(now);
  return { factor: apart(now) / apart(before), at: to, by: [to[0] - from[0], to[1] - from[1]] };
}
function attachPointer(canvas, act, measuring, tool) {
  const { listen, stop } = listening();
  const fingers = /* @__PURE__ */ new Map();
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
function attachWheel(canvas, act, frames) {
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
    act("zoom", [
      Math.exp(-delta / speed),
      (event.clientX - bounds.left) * ratio,
      (event.clientY - bounds.top) * ratio
    ]);
  }, { passive: false });
  return stop;
}
function attachKeys(target, press) {
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

// ui/viewer/help.js
function helpRow(table, shown, does) {
  const row = table.insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = shown;
  row.append(head);
  row.insertCell().textContent = does;
}
function section(title, rows) {
  const table = document.createElement("table");
  table.createCaption().textContent = title;
  rows.forEach(([shown, does]) => helpRow(table, shown, does));
  return table;
}
function createHelp(close) {
  const dialog = document.createElement("div");
  dialog.className = "help";
  dialog.hidden = true;
  dialog.tabIndex = -1;
  dialog.setAttribute("role", "dialog");
  dialog.setAttribute("aria-label", "Keys of the image viewer");
  const told = KEYS.filter(({ does }) => does);
  const titles = [...new Set(told.map(({ group: group2 }) => group2))];
  const button2 = document.createElement("button");
  button2.type = "button";
  button2.className = "tool";
  button2.textContent = "Close (Esc)";
  button2.addEventListener("click", close);
  const tables = titles.map((title) => section(
    title,
    told.filter(({ group: group2 }) => group2 === title).map(({ shown, does }) => [shown, does])
  ));
  const columns = document.createElement("div");
  columns.className = "columns";
  columns.append(section("Mouse and touch", POINTER), ...tables);
  dialog.append(button2, columns);
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  return {
    dialog,
    toggle(open) {
      dialog.hidden = !open;
      if (open) button2.focus();
    }
  };
}

// ui/viewer/geometry.js
var UPRIGHT = [1, 0, 0, 1];
var TURNS = {
  rotateRight: [0, -1, 1, 0],
  rotateLeft: [0, 1, -1, 0],
  flipAcross: [-1, 0, 0, 1],
  flipDown: [1, 0, 0, -1]
};
function turned(turn, by) {
  const [a, b, c, d] = turn, [e, f, g, h] = by;
  return [e * a + f * c, e * b + f * d, g * a + h * c, g * b + h * d];
}
function toCanvas(view, [column, row]) {
  const [a, b, c, d] = view.turn, down = row * view.aspect;
  return [
    view.scale * (a * column + b * down) + view.x,
    view.scale * (c * column + d * down) + view.y
  ];
}
function toImage(view, [x, y]) {
  const [a, b, c, d] = view.turn;
  const u = (x - view.x) / view.scale, v = (y - view.y) / view.scale;
  return [a * u + c * v, (b * u + d * v) / view.aspect];
}
function extent({ turn, aspect }, { columns, rows }) {
  const down = rows * aspect;
  return turn[0] ? [columns, down] : [down, columns];
}
function inside({ columns, rows }, [column, row]) {
  return column >= 0 && row >= 0 && column < columns && row < rows;
}
function clampToImage({ columns, rows }, [column, row]) {
  return [Math.min(columns, Math.max(0, column)), Math.min(rows, Math.max(0, row))];
}
function partsOf({ kind, ends }) {
  return kind === "rectangle" ? [[0, 0], [0, 1], [1, 1], [1, 0]] : ends.map((_, i) => [i, i]);
}
function partAt(ends, [i, j]) {
  return [ends[i][0], ends[j][1]];
}
function distanceToSegment([x, y], [x0, y0], [x1, y1]) {
  const dx = x1 - x0, dy = y1 - y0;
  const along = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
}
function partUnder(view, mark2, at, reach) {
  const parts = partsOf(mark2);
  const corners = parts.map((part2) => toCanvas(view, partAt(mark2.ends, part2)));
  const near = corners.map((c) => Math.hypot(c[0] - at[0], c[1] - at[1]));
  const nearest = near.indexOf(Math.min(...near));
  if (near[nearest] <= reach) return parts[nearest];
  const round = mark2.kind === "rectangle" ? corners.length : corners.length - 1;
  const sides2 = corners.slice(0, Math.max(0, round)).map((corner, i) => [corner, corners[(i + 1) % corners.length]]);
  const touched = sides2.some(([from, to]) => distanceToSegment(at, from, to) <= reach * 0.75);
  return touched ? "whole" : null;
}
function movePart(ends, [i, j], [column, row]) {
  const moved = ends.map((end) => [...end]);
  moved[i][0] = column;
  moved[j][1] = row;
  return moved;
}
function moveWhole(ends, [dColumn, dRow]) {
  return ends.map(([column, row]) => [column + dColumn, row + dRow]);
}

// ui/viewer/look.js
var DIGITS = 6;
function rounded(value) {
  return Number(value.toPrecision(DIGITS));
}
function boxOf(view, canvas, { columns, rows }) {
  const [a, b] = [toImage(view, [0, 0]), toImage(view, [canvas.width, canvas.height])];
  return [
    Math.max(0, Math.min(a[0], b[0])),
    Math.max(0, Math.min(a[1], b[1])),
    Math.min(columns, Math.max(a[0], b[0])),
    Math.min(rows, Math.max(a[1], b[1]))
  ].map(Math.round);
}
function lookOf(image, { view, canvas, frame, heat }, prior) {
  return {
    image,
    function: view.function,
    centre: rounded(view.centre),
    width: rounded(view.width),
    inverted: view.inverted,
    diagnosis: view.overlay && heat ? heat.diagnosis : "",
    plane: view.plane + 1,
    zoom: Math.round(100 * view.scale / (globalThis.devicePixelRatio || 1)),
    box: boxOf(view, canvas, frame),
    turn: view.turn,
    prior,
    opacity: view.opacity,
    threshold: view.threshold
  };
}

// ui/viewer/icons.js
var SVG = "http://www.w3.org/2000/svg";
function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
var PATHS = {
  window: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 2v12M8 5h4.5M8 8h6M8 11h4.5",
  length: "M2 14 14 2M2 10.5v3.5h3.5M10.5 2H14v3.5",
  rectangle: "M2.5 4h11v8h-11ZM1.5 3h2v2h-2ZM12.5 11h2v2h-2Z",
  angle: "M14 13H2L11 3M6.5 13a5.5 5.5 0 0 0-1.4-3.6",
  arrow: "M2.5 13.5 13 3M7 3h6v6",
  text: "M3 4.5V3h10v1.5M8 3v10M6 13h4",
  key: "M8 1.8 9.9 5.9l4.4.5-3.3 3 .9 4.4L8 11.6l-3.9 2.2.9-4.4-3.3-3 4.4-.5Z",
  invert: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 2v12M9.5 3v10M11 4v8M12.5 5.5v5",
  fit: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4M5.5 5.5h5v5h-5Z",
  full: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4M2 2l4.5 4.5M14 2 9.5 6.5M14 14 9.5 9.5M2 14l4.5-4.5",
  rotateLeft: "M3 8a5 5 0 1 1 1.6 3.7M3 3.5V8h4.5",
  rotateRight: "M13 8a5 5 0 1 0-1.6 3.7M13 3.5V8H8.5",
  flipAcross: "M8 1.5v13M6 4 2 12h4ZM10 4l4 8h-4Z",
  flipDown: "M1.5 8h13M4 6l8-4v4ZM4 10l8 4v-4Z",
  reset: "M2.5 8a5.5 5.5 0 1 0 1.7-4M2.5 1.5V5H6M8 5v3l2 2",
  prior: "M2 3h5v10H2ZM9 3h5v10H9Z",
  link: "M6.5 9.5l3-3M7 4.5l1.4-1.4a3 3 0 0 1 4.3 4.3L11.3 8.8M9 11.5l-1.4 1.4a3 3 0 0 1-4.3-4.3l1.4-1.4"
};
function icon(name) {
  const svg = drawn("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
  svg.append(drawn("path", { d: PATHS[name] }));
  return svg;
}

// ui/viewer/measure.js
function unitOf({ spacing, spacingFrom }) {
  if (!spacing) return { name: "px", place: "" };
  if (spacingFrom === "ImagerPixelSpacing") return { name: "mm", place: " at detector" };
  if (spacingFrom === "NominalScannedPixelSpacing") return { name: "mm", place: " on film" };
  return { name: "mm", place: "" };
}
function sides({ spacing }, [[c0, r0], [c1, r1]]) {
  const [perRow, perColumn] = spacing ?? [1, 1];
  return [Math.abs(c1 - c0) * perColumn, Math.abs(r1 - r0) * perRow];
}
function lengthOf(frame, ends) {
  return Math.hypot(...sides(frame, ends));
}
function angleOf({ spacing, aspect = 1 }, [from, corner, to]) {
  const [perRow, perColumn] = spacing ?? [aspect, 1];
  const side = ([column, row]) => Math.atan2((row - corner[1]) * perRow, (column - corner[0]) * perColumn);
  const turn = Math.abs(side(from) - side(to)) * 180 / Math.PI;
  return Math.min(turn, 360 - turn);
}
function areaOf(frame, ends) {
  const [across, down] = sides(frame, ends);
  return across * down;
}
function statisticsOf(frame, plane, [[c0, r0], [c1, r1]]) {
  const first = (a, b) => Math.max(0, Math.ceil(Math.min(a, b) - 0.5));
  const last = (a, b, most) => Math.min(most - 1, Math.ceil(Math.max(a, b) - 0.5) - 1);
  const left = first(c0, c1), right = last(c0, c1, frame.columns);
  const top = first(r0, r1), bottom = last(r0, r1, frame.rows);
  const start = plane * frame.rows * frame.columns;
  let n = 0, sum = 0, squares = 0, min = Infinity, max = -Infinity;
  for (let row = top; row <= bottom; row++)
    for (let at = start + row * frame.columns + left; at <= start + row * frame.columns + right; at++) {
      const sample = frame.samples[at];
      n += 1;
      sum += sample;
      squares += sample * sample;
      if (sample < min) min = sample;
      if (sample > max) max = sample;
    }
  if (!n) return { n, mean: NaN, sd: NaN, min: NaN, max: NaN };
  const value = (sample) => sample * frame.slope + frame.intercept;
  const mean = sum / n;
  const sd = Math.sqrt(Math.max(0, squares / n - mean * mean)) * frame.slope;
  return { n, mean: value(mean), sd, min: value(min), max: value(max) };
}
function plainNumber(value) {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1e3 ? value.toFixed(0) : value.toPrecision(4).replace(/\.?0+$/, "");
}
function windowWords({ function: name, centre, width, inverted }) {
  const kind = { SIGMOID: " (sigmoid)", LUT: " (table)" }[name] ?? "";
  return [
    `window ${plainNumber(centre)}/${plainNumber(width)}${kind}`,
    ...inverted ? ["greys inverted"] : []
  ];
}
function wordsOf(frame, { kind, ends, plane, text, window: look }) {
  if (kind === "arrow" || kind === "text") return text ? [text] : [];
  if (kind === "key") return [...windowWords(look), ...frame.frames > 1 ? [`frame ${plane + 1}`] : []];
  const { name, place: place2 } = unitOf(frame);
  const digits = name === "mm" ? 1 : 0;
  if (kind === "length") return [`${lengthOf(frame, ends).toFixed(digits)} ${name}${place2}`];
  if (kind === "angle") {
    return [ends.length < 3 ? "press where its other side ends" : `${angleOf(frame, ends).toFixed(1)}°`];
  }
  const { n, mean, sd, min, max } = statisticsOf(frame, plane, ends);
  const size = areaOf(frame, ends);
  const area = `area ${size.toFixed(size < 100 ? digits : 0)} ${name}²${place2}`;
  if (!n) return [area, "no pixel inside"];
  return [
    `mean ${plainNumber(mean)}, SD ${plainNumber(sd)}`,
    `min ${plainNumber(min)}, max ${plainNumber(max)}`,
    `${area}, n ${n}`
  ];
}

// ui/viewer/drawing.js
var LINE = 15;
var HEAD = [12, 0.45];
var NAMES = {
  length: "Length",
  angle: "Angle",
  rectangle: "Rectangle",
  arrow: "Arrow",
  text: "Text",
  key: "Key image"
};
var WORDED = /* @__PURE__ */ new Set(["arrow", "text"]);
var LONGEST = 200;
function words(lines, number, [x, y], box) {
  const width = 7 * Math.max(...lines.map((line) => line.length + 3));
  const left = Math.max(4, x + width + 8 > box.width ? x - width - 8 : x + 8);
  const top = Math.max(LINE, Math.min(y, box.height - LINE * lines.length));
  const text = drawn("text", { x: left, y: top });
  lines.forEach((line, i) => {
    const part2 = drawn("tspan", { x: left, dy: i ? LINE : 0 });
    part2.textContent = i ? line : `${number}: ${line}`;
    text.append(part2);
  });
  return text;
}
function headOf([[x, y], [fromX, fromY]]) {
  const [size, opening] = HEAD, along = Math.atan2(fromY - y, fromX - x);
  const barb = (turn) => `${x + size * Math.cos(along + turn)},${y + size * Math.sin(along + turn)}`;
  return `${barb(opening)} ${x},${y} ${barb(-opening)}`;
}
function shape(mark2, number, lines, view, ratio, box, selected) {
  const corners = partsOf(mark2).map((part2) => toCanvas(view, partAt(mark2.ends, part2)).map((length) => length / ratio));
  const points = corners.map((corner) => corner.join(",")).join(" ");
  const name = mark2.kind === "rectangle" ? "polygon" : "polyline";
  const group2 = drawn("g", { class: selected ? "measured selected" : "measured" });
  const strokes = mark2.kind === "arrow" ? [points, headOf(corners)] : [points];
  for (const stroke of strokes) {
    group2.append(drawn(name, { points: stroke, class: "under" }), drawn(name, { points: stroke }));
  }
  for (const [x, y] of mark2.kind === "arrow" && !selected ? corners.slice(1) : corners) {
    group2.append(drawn("circle", { cx: x, cy: y, r: mark2.kind === "text" ? 2.5 : 4 }));
  }
  const right = corners.reduce((best, corner) => corner[0] > best[0] ? corner : best);
  const at = mark2.kind === "arrow" ? corners[1] : right;
  group2.append(words(lines.length ? lines : [""], number, at, box));
  return group2;
}
function meantBox([top, left, bottom, right], view, ratio) {
  const points = [[left, top], [right, top], [right, bottom], [left, bottom]].map((corner) => toCanvas(view, corner).map((length) => length / ratio).join(",")).join(" ");
  const group2 = drawn("g", { class: "meant" });
  group2.append(drawn("polygon", { points, class: "under" }), drawn("polygon", { points }));
  return group2;
}
function field(mark2, number, does, leave) {
  const input = document.createElement("input");
  input.className = "words";
  input.maxLength = LONGEST;
  input.value = mark2.text ?? "";
  input.placeholder = "Words";
  input.setAttribute("aria-label", `Words of mark ${number}`);
  input.addEventListener("change", () => does.write(mark2, input.value.trim()));
  input.addEventListener("blur", () => does.write(mark2, input.value.trim()));
  for (const name of ["keydown", "keyup", "keypress"]) {
    input.addEventListener(name, (event) => {
      event.stopPropagation();
      if (name === "keydown" && !event.isComposing && ["Enter", "Escape"].includes(event.key)) leave();
    });
  }
  return input;
}
function listed(mark2, number, lines, selected, does, leave) {
  const item = document.createElement("li");
  const name = document.createElement("button");
  name.type = "button";
  name.className = "name";
  name.textContent = `${number} ${NAMES[mark2.kind]}${lines.length ? ": " : ""}${lines.join(", ")}`;
  name.setAttribute("aria-pressed", String(selected));
  name.addEventListener("click", () => does.select(mark2));
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "remove";
  remove.textContent = "×";
  remove.setAttribute("aria-label", `Delete mark ${number}`);
  remove.addEventListener("click", () => does.remove(mark2));
  item.append(name);
  if (selected && WORDED.has(mark2.kind)) item.append(field(mark2, number, does, leave));
  item.append(remove);
  return item;
}
function createDrawing(frame, label, does, leave = () => {
}) {
  const svg = drawn("svg", { class: "drawing", "aria-hidden": "true" });
  const list = document.createElement("ol");
  list.className = "measurements";
  list.setAttribute("aria-label", `Marks ${label}`.trim());
  let last = "";
  let asking = false;
  const show = (marks, selected, view, canvas, meant = null) => {
    const ratio = canvas.width / (canvas.clientWidth || 1);
    const box = { width: canvas.clientWidth, height: canvas.clientHeight };
    const told = marks.map((mark2) => wordsOf(frame, mark2));
    svg.replaceChildren(...meant ? [meantBox(meant, view, ratio)] : [], ...marks.flatMap((mark2, i) => mark2.plane === view.plane && mark2.ends.length ? [shape(mark2, i + 1, told[i], view, ratio, box, mark2 === selected)] : []));
    const now = JSON.stringify([told, marks.map(({ kind }) => kind), marks.indexOf(selected)]);
    if (now !== last) {
      last = now;
      list.replaceChildren(...marks.map((mark2, i) => listed(mark2, i + 1, told[i], mark2 === selected, does, leave)));
    }
    if (asking) list.querySelector("input")?.focus({ preventScroll: true });
    asking = false;
  };
  return { svg, list, show, ask() {
    asking = true;
  } };
}

// ui/viewer/measuring.js
var REACH = 9;
var SMALLEST = 2;
var MOST_STEPS = 50;
var POINTS = { length: 2, angle: 3, rectangle: 2, arrow: 2, text: 1 };
var WORDED2 = /* @__PURE__ */ new Set(["arrow", "text"]);
var PLACES = [[0.35, 0.45], [0.65, 0.55], [0.65, 0.35]];
function complete({ kind, ends, text }) {
  return kind === "key" || (kind === "text" ? Boolean(text) : ends.length === POINTS[kind]);
}
function tooSmall({ kind, ends }) {
  if (kind === "key" || kind === "text") return false;
  const [[c0, r0], [c1, r1]] = ends.slice(-2);
  return Math.hypot(c1 - c0, r1 - r0) < SMALLEST;
}
function lookOf2({ function: name, centre, width, inverted }) {
  return { function: name, centre: rounded(centre), width: rounded(width), inverted };
}
function sameKey(mark2, plane, look) {
  return mark2.kind === "key" && mark2.plane === plane && JSON.stringify(mark2.window) === JSON.stringify(look);
}
function createMeasuring(frame, view, canvas, kept, changed, ask = () => {
}) {
  let selected = null;
  let end = 0;
  let grip = null;
  const past = [];
  const ratio = () => canvas.width / (canvas.clientWidth || 1);
  const remember = () => {
    past.push(JSON.stringify(kept));
    if (past.length > MOST_STEPS) past.shift();
  };
  const forget = () => {
    if (past.at(-1) === JSON.stringify(kept)) past.pop();
  };
  const select = (mark2) => {
    selected = mark2;
    if (mark2) view.plane = mark2.plane;
    if (mark2?.kind === "key" && mark2.window.function !== "LUT") {
      Object.assign(view, mark2.window, { table: null });
    }
    changed();
  };
  const add = (kind, ends) => {
    const made = { kind, ends, plane: view.plane };
    kept.push(made);
    end = ends.length - 1;
    select(made);
    return made;
  };
  const takeOut = (mark2) => {
    const at = kept.indexOf(mark2);
    if (at >= 0) kept.splice(at, 1);
    if (mark2 === selected) selected = null;
    grip = null;
  };
  const reshape = (ends) => {
    selected.ends = ends.map((point) => clampToImage(frame, point));
    changed();
  };
  const goesOn = (kind, point) => {
    if (kind !== "angle" || selected?.kind !== "angle" || complete(selected)) return false;
    selected.ends = [...selected.ends, point];
    grip = { part: [2, 2], from: point, made: false };
    changed();
    return true;
  };
  return {
    select,
    get selected() {
      return selected;
    },
    remove(mark2 = selected) {
      if (!mark2) return;
      remember();
      takeOut(mark2);
      changed();
    },
    // Takes back the last thing that was done to the marks of this image.
    undo() {
      const before = past.pop();
      if (before === void 0) return;
      kept.splice(0, kept.length, ...JSON.parse(before));
      selected = grip = null;
      changed();
    },
    // Whether the press belongs to a mark: one that lies there, or a new one of `kind`.
    press(at, kind) {
      const point = toImage(view, at);
      const begun = inside(frame, point);
      remember();
      if (begun && goesOn(kind, point)) return true;
      const here = kept.filter(({ plane }) => plane === view.plane).reverse();
      for (const mark2 of here) {
        const part2 = partUnder(view, mark2, at, REACH * ratio());
        if (!part2) continue;
        select(mark2);
        grip = { part: part2, from: point, made: false };
        return true;
      }
      if (selected) select(null);
      if (!kind || !begun) return forget(), false;
      const ends = kind === "text" ? [point] : [point, point];
      add(kind, ends);
      grip = { part: [ends.length - 1, ends.length - 1], from: point, made: true };
      return true;
    },
    drag(at) {
      if (!grip || !selected) return;
      const point = clampToImage(frame, toImage(view, at));
      if (grip.part === "whole") {
        const [column, row] = grip.from;
        reshape(moveWhole(selected.ends, [point[0] - column, point[1] - row]));
        grip.from = point;
      } else reshape(movePart(selected.ends, grip.part, point));
    },
    drop() {
      const made = grip?.made;
      const held = grip !== null;
      grip = null;
      if (selected && tooSmall(selected)) {
        takeOut(selected);
        changed();
      } else if (made && WORDED2.has(selected?.kind)) ask();
      if (held) forget();
    },
    // Without the mouse: place one in the middle of what is seen, then go from end to end, and to its
    // words.
    place(kind) {
      if (selected && selected.kind !== "key") {
        const stops = partsOf(selected).length + (WORDED2.has(selected.kind) ? 1 : 0);
        end = (end + 1) % stops;
        if (end === partsOf(selected).length) ask();
        return changed();
      }
      if (!kind) return;
      remember();
      const at = ([x, y]) => clampToImage(frame, toImage(view, [canvas.width * x, canvas.height * y]));
      add(kind, PLACES.slice(0, POINTS[kind]).map(at));
    },
    // Moves the end in hand by canvas pixels of the screen's own directions, one source pixel each.
    nudge(dx, dy) {
      const parts = partsOf(selected);
      if (!parts.length) return;
      remember();
      const part2 = parts[end % parts.length];
      const [column, row] = partAt(selected.ends, part2);
      const zero = toImage(view, [0, 0]);
      const step = toImage(view, [dx * view.scale, dy * view.scale]);
      const moved = [column + step[0] - zero[0], row + step[1] - zero[1]];
      reshape(movePart(selected.ends, part2, moved));
    },
    // The words of an arrow, or that are all of a mark; that without any is none.
    write(mark2, text) {
      if ((mark2.text ?? "") === text) {
        if (!complete(mark2)) takeOut(mark2);
        return changed();
      }
      remember();
      mark2.text = text;
      if (!complete(mark2)) takeOut(mark2);
      changed();
    },
    // What is shown now, as it is shown, or not any more.
    key() {
      const look = lookOf2(view);
      const before = kept.find((mark2) => sameKey(mark2, view.plane, look));
      remember();
      if (before) takeOut(before);
      else kept.push({ kind: "key", ends: [], plane: view.plane, window: look });
      changed();
    },
    get isKey() {
      return kept.some((mark2) => sameKey(mark2, view.plane, lookOf2(view)));
    }
  };
}

// ui/viewer/registry.js
var KEY = /* @__PURE__ */ Symbol.for("triptych.pixels");
function store() {
  globalThis[KEY] ??= {
    frames: /* @__PURE__ */ new Map(),
    holders: /* @__PURE__ */ new Map(),
    waiting: /* @__PURE__ */ new Map(),
    measured: /* @__PURE__ */ new Map(),
    heats: /* @__PURE__ */ new Map(),
    watching: /* @__PURE__ */ new Map(),
    look: null,
    looking: null
  };
  return globalThis[KEY];
}
function whenFrame(id, callback) {
  const { frames, waiting } = store();
  const frame = frames.get(id);
  if (frame) {
    callback(frame);
    return () => {
    };
  }
  const callbacks = waiting.get(id) ?? /* @__PURE__ */ new Set();
  callbacks.add(callback);
  waiting.set(id, callbacks);
  return () => callbacks.delete(callback);
}
function watchHeat(id, callback) {
  const { heats, watching } = store();
  watching.set(id, callback);
  callback(heats.get(id) ?? null);
  return () => {
    if (watching.get(id) === callback) watching.delete(id);
  };
}
function putLook(look, viewer2) {
  const shared = store();
  Object.assign(shared, { look, showing: viewer2 });
  shared.looking?.(look);
}
function dropLook(viewer2) {
  if (store().showing === viewer2) putLook(null, null);
}
function marksOn(id, recorded = []) {
  const { measured } = store();
  if (!measured.has(id)) measured.set(id, [...recorded]);
  return measured.get(id);
}

// ui/viewer/marks.js
function fromRecord(marks) {
  return marks.map(({ kind, frame, points, text, window: look }) => ({
    kind,
    ends: points,
    plane: frame - 1,
    ...text && { text },
    ...look && { window: look }
  }));
}

// ui/viewer/shaders.js
var VERTEX = `#version 300 es
in vec2 corner;
void main() { gl_Position = vec4(corner, 0.0, 1.0); }`;
var FUNCTIONS = ["LINEAR", "LINEAR_EXACT", "SIGMOID", "LUT"];
var NAMES2 = FUNCTIONS.map((name, number) => `#define ${name} ${number}`).join("\n");
var PLACE = `
uniform vec2 canvasSize;
uniform vec2 offset;
uniform float scale, aspect;
uniform vec4 turn;

vec2 imageAt(vec2 fragment) {
  vec2 screen = vec2(fragment.x, canvasSize.y - fragment.y);
  vec2 moved = (screen - offset) / scale;
  return vec2(dot(turn.xz, moved), dot(turn.yw, moved) / aspect);
}`;
var OUTSIDE = "0xffffffffu";
var RESAMPLE = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D image;
uniform float slope, intercept;
out uint bits;
${PLACE}

float sampleAt(ivec2 at) {
  ivec2 last = textureSize(image, 0) - 1;
  return float(texelFetch(image, clamp(at, ivec2(0), last), 0).r) * slope + intercept;
}

float magnified(vec2 at) {
  vec2 from = floor(at - 0.5);
  vec2 part = at - 0.5 - from;
  ivec2 i = ivec2(from);
  float above = mix(sampleAt(i), sampleAt(i + ivec2(1, 0)), part.x);
  float below = mix(sampleAt(i + ivec2(0, 1)), sampleAt(i + ivec2(1, 1)), part.x);
  return mix(above, below, part.y);
}

// Mean of the source pixels under one screen pixel: no moiré from skipped rows.
float minified(vec2 at) {
  vec2 footprint = vec2(1.0, 1.0 / aspect) / scale;
  int taps = int(clamp(ceil(max(footprint.x, footprint.y)), 1.0, 8.0));
  float total = 0.0;
  for (int y = 0; y < taps; y++)
    for (int x = 0; x < taps; x++) {
      vec2 part = (vec2(float(x), float(y)) + 0.5) / float(taps) - 0.5;
      total += sampleAt(ivec2(floor(at + part * footprint)));
    }
  return total / float(taps * taps);
}

void main() {
  vec2 at = imageAt(gl_FragCoord.xy);
  vec2 size = vec2(textureSize(image, 0));
  bool outside = any(lessThan(at, vec2(0.0))) || any(greaterThanEqual(at, size));
  float value = scale * min(1.0, aspect) < 1.0 ? minified(at) : magnified(at);
  bits = outside ? ${OUTSIDE} : floatBitsToUint(value);
}`;
var GREYS = `#version 300 es
${NAMES2}
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D values, table;
uniform sampler2D heat;
uniform float centre, width;
uniform int windowFunction, entries;
uniform bool inverted, overlay;
uniform vec4 box;
uniform float opacity, threshold;
out vec4 colour;
${PLACE}

float entryAt(int i) {
  int at = clamp(i, 0, entries - 1);
  return float(texelFetch(table, ivec2(at & 1023, at >> 10), 0).r) / 65535.0;
}

float greyOf(float value) {
  float from = value - centre;
  if (windowFunction == LINEAR) return (from + 0.5) / max(width - 1.0, 1e-6) + 0.5;
  if (windowFunction == SIGMOID) return 1.0 / (1.0 + exp(-4.0 * from / width));
  if (windowFunction == LINEAR_EXACT) return from / width + 0.5;
  float at = clamp(from / width + 0.5, 0.0, 1.0) * float(entries - 1);
  return mix(entryAt(int(at)), entryAt(int(at) + 1), fract(at));
}

vec3 warm(float t) {
  vec3 low = vec3(0.55, 0.10, 0.35), mid = vec3(0.93, 0.38, 0.18), high = vec3(1.0, 0.88, 0.42);
  return t < 0.5 ? mix(low, mid, t * 2.0) : mix(mid, high, t * 2.0 - 1.0);
}

void main() {
  uint bits = texelFetch(values, ivec2(gl_FragCoord.xy), 0).r;
  float grey = clamp(greyOf(uintBitsToFloat(bits)), 0.0, 1.0);
  if (inverted) grey = 1.0 - grey;
  vec3 shown = vec3(grey);
  if (overlay) {
    vec2 cell = (imageAt(gl_FragCoord.xy) - box.yx) / (box.wz - box.yx);
    float relevance = texture(heat, cell).r;
    float edge = fwidth(relevance) * 0.8 + 1e-4;
    if (any(lessThan(cell, vec2(0.0))) || any(greaterThan(cell, vec2(1.0)))) relevance = 0.0;
    if (threshold > 0.0 && abs(relevance - threshold) < edge)
      shown = mix(shown, vec3(1.0, 0.85, 0.5), min(1.0, opacity * 1.6));
    else if (relevance >= threshold)
      shown = mix(shown, warm(relevance), opacity * relevance);
  }
  colour = bits == ${OUTSIDE} ? vec4(0.0, 0.0, 0.0, 1.0) : vec4(shown, 1.0);
}`;

// ui/viewer/renderer.js
var TABLE_ROW = 1024;
var CORNER = 0;
var [IMAGE, HEAT, TABLE, VALUES] = [0, 1, 2, 3];
function compile(gl, kind, source) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getShaderInfoLog(shader));
  }
  return shader;
}
function link(gl, fragment, textures) {
  const program = gl.createProgram();
  gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, VERTEX));
  gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, fragment));
  gl.bindAttribLocation(program, CORNER, "corner");
  gl.linkProgram(program);
  gl.useProgram(program);
  const places = /* @__PURE__ */ new Map();
  const place2 = (name) => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
    return places.get(name);
  };
  for (const [name, unit] of Object.entries(textures)) gl.uniform1i(place2(name), unit);
  return { program, place: place2 };
}
function texture(gl, unit, filter) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
    gl.texParameteri(gl.TEXTURE_2D, side, filter);
  }
  for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
    gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  }
  return made;
}
function strip(gl) {
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
  gl.enableVertexAttribArray(CORNER);
  gl.vertexAttribPointer(CORNER, 2, gl.FLOAT, false, 0, 0);
}
function uploadWhole(gl, unit, samples, columns, rows) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.texImage2D(
    gl.TEXTURE_2D,
    0,
    gl.R16UI,
    columns,
    rows,
    0,
    gl.RED_INTEGER,
    gl.UNSIGNED_SHORT,
    samples
  );
}
function uploadShares(gl, unit, cells, columns, rows) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, columns, rows, 0, gl.RED, gl.UNSIGNED_BYTE, cells);
}
function padded(table) {
  const rows = Math.ceil(table.length / TABLE_ROW);
  const cells = new Uint16Array(rows * TABLE_ROW);
  cells.set(table);
  return { cells, rows };
}
function surface(gl) {
  const values = texture(gl, VALUES, gl.NEAREST);
  const buffer = gl.createFramebuffer();
  return {
    resize(columns, rows) {
      gl.activeTexture(gl.TEXTURE0 + VALUES);
      gl.texImage2D(
        gl.TEXTURE_2D,
        0,
        gl.R32UI,
        columns,
        rows,
        0,
        gl.RED_INTEGER,
        gl.UNSIGNED_INT,
        null
      );
      gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, values, 0);
    },
    use: () => gl.bindFramebuffer(gl.FRAMEBUFFER, buffer),
    leave: () => gl.bindFramebuffer(gl.FRAMEBUFFER, null)
  };
}
function prepare(gl) {
  strip(gl);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  texture(gl, IMAGE, gl.NEAREST);
  texture(gl, HEAT, gl.LINEAR);
  texture(gl, TABLE, gl.NEAREST);
  uploadShares(gl, HEAT, new Uint8Array(1), 1, 1);
  uploadWhole(gl, TABLE, new Uint16Array(1), 1, 1);
  return {
    resample: link(gl, RESAMPLE, { image: IMAGE }),
    greys: link(gl, GREYS, { heat: HEAT, table: TABLE, values: VALUES }),
    surface: surface(gl)
  };
}
function setPlace(gl, place2, view) {
  gl.uniform2f(place2("canvasSize"), gl.canvas.width, gl.canvas.height);
  gl.uniform2f(place2("offset"), view.x, view.y);
  gl.uniform1f(place2("scale"), view.scale);
  gl.uniform1f(place2("aspect"), view.aspect);
  gl.uniform4f(place2("turn"), ...view.turn);
}
function setGreys(gl, place2, view, box) {
  gl.uniform1i(place2("windowFunction"), FUNCTIONS.indexOf(view.function));
  gl.uniform1i(place2("entries"), view.table?.length ?? 1);
  gl.uniform1f(place2("centre"), view.centre);
  gl.uniform1f(place2("width"), view.width);
  gl.uniform1i(place2("inverted"), view.inverted ? 1 : 0);
  gl.uniform1i(place2("overlay"), view.overlay && box ? 1 : 0);
  gl.uniform4f(place2("box"), ...box ?? [0, 0, 1, 1]);
  gl.uniform1f(place2("opacity"), view.opacity / 100);
  gl.uniform1f(place2("threshold"), view.threshold / 100);
}
function createRenderer(canvas, frame) {
  const options = { alpha: false, antialias: false, preserveDrawingBuffer: true };
  const gl = canvas.getContext("webgl2", options);
  if (!gl) return null;
  let made = prepare(gl);
  let heat = null;
  let held = {};
  const uploadHeat = () => {
    if (!heat) return;
    const cells = Uint8Array.from(heat.values.flat(), (v) => Math.round(255 * v));
    uploadShares(gl, HEAT, cells, heat.values[0].length, heat.values.length);
  };
  const upload = ({ plane, table }) => {
    if (held.plane !== plane) {
      const size = frame.rows * frame.columns;
      const samples = frame.samples.subarray(plane * size, (plane + 1) * size);
      uploadWhole(gl, IMAGE, samples, frame.columns, frame.rows);
    }
    if (table && held.table !== table) {
      const { cells, rows } = padded(table);
      uploadWhole(gl, TABLE, cells, TABLE_ROW, rows);
    }
    held = { ...held, plane, table: table ?? held.table };
  };
  const resample = (view) => {
    const { width, height } = canvas;
    const size = `${width},${height}`;
    const shown = [size, view.plane, view.x, view.y, view.scale, view.aspect, view.turn].join();
    if (held.shown === shown) return;
    const { resample: { program, place: place2 }, surface: values } = made;
    if (held.size === size) values.use();
    else values.resize(width, height);
    gl.useProgram(program);
    setPlace(gl, place2, view);
    gl.uniform1f(place2("slope"), frame.slope);
    gl.uniform1f(place2("intercept"), frame.intercept);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    values.leave();
    Object.assign(held, { shown, size });
  };
  return {
    largest: gl.getParameter(gl.MAX_TEXTURE_SIZE),
    setHeat(next) {
      heat = next;
      uploadHeat();
    },
    draw(view) {
      upload(view);
      gl.viewport(0, 0, canvas.width, canvas.height);
      resample(view);
      gl.useProgram(made.greys.program);
      setPlace(gl, made.greys.place, view);
      setGreys(gl, made.greys.place, view, heat?.box);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    },
    restore() {
      held = {};
      made = prepare(gl);
      uploadHeat();
    },
    release() {
      gl.getExtension("WEBGL_lose_context")?.loseContext();
    }
  };
}

// ui/viewer/view.js
var SMALLEST_SCALE = 0.02;
var LARGEST_SCALE = 40;
var AROUND = 2.5;
function newView(preset, overlay, aspect) {
  return {
    x: 0,
    y: 0,
    scale: 1,
    aspect,
    turn: UPRIGHT,
    fitted: true,
    plane: 0,
    inverted: false,
    ...windowOf(preset),
    overlay: overlay.shown,
    opacity: overlay.opacity,
    threshold: overlay.threshold
  };
}
function windowOf({ function: name, centre, width, table }) {
  return { function: name, centre, width, table };
}
function applyPreset(view, preset) {
  Object.assign(view, windowOf(preset));
}
function showsPreset(view, preset) {
  return view.function === preset.function && view.centre === preset.centre && view.width === preset.width && view.table === preset.table;
}
function place(view, canvas, frame, scale, exact) {
  view.scale = scale;
  view.x = view.y = 0;
  const corner = toCanvas(view, [0, 0]), opposite = toCanvas(view, [frame.columns, frame.rows]);
  const start = [0, 1].map((i) => Math.min(corner[i], opposite[i]));
  const size = extent(view, frame).map((length) => length * scale);
  const offset = [canvas.width, canvas.height].map((room, i) => (room - size[i]) / 2 - start[i]);
  [view.x, view.y] = exact ? offset.map(Math.round) : offset;
}
function fit(view, canvas, frame) {
  const [across, down] = extent(view, frame);
  place(view, canvas, frame, Math.min(canvas.width / across, canvas.height / down), false);
  view.fitted = true;
}
function actualSize(view, canvas, frame) {
  place(view, canvas, frame, 1, true);
  view.fitted = false;
}
function showBox(view, canvas, [top, left, bottom, right]) {
  const size = extent(view, { columns: right - left, rows: bottom - top });
  const room = [canvas.width, canvas.height].map((length, i) => length / (AROUND * size[i]));
  view.scale = Math.min(LARGEST_SCALE, ...room);
  view.x = view.y = 0;
  const [x, y] = toCanvas(view, [(left + right) / 2, (top + bottom) / 2]);
  [view.x, view.y] = [canvas.width / 2 - x, canvas.height / 2 - y];
  view.fitted = false;
}
function turnView(view, canvas, frame, by) {
  const middle = [canvas.width / 2, canvas.height / 2];
  const kept = toImage(view, middle);
  view.turn = turned(view.turn, by);
  if (view.fitted) return fit(view, canvas, frame);
  const now = toCanvas(view, kept);
  const moved = [view.x + middle[0] - now[0], view.y + middle[1] - now[1]];
  [view.x, view.y] = view.scale === 1 ? moved.map(Math.round) : moved;
}
function zoomAbout(view, factor, x, y) {
  const scale = Math.min(LARGEST_SCALE, Math.max(SMALLEST_SCALE, view.scale * factor));
  view.x = x - (x - view.x) * scale / view.scale;
  view.y = y - (y - view.y) * scale / view.scale;
  view.scale = scale;
  view.fitted = false;
}
function pan(view, dx, dy) {
  view.x += dx;
  view.y += dy;
  view.fitted = false;
}
function dragWindow(view, dx, dy, range) {
  const least = view.function === "LINEAR" ? 1 : 0;
  view.width = Math.max(range / 1e3, least, view.width + dx * range / 500);
  view.centre += dy * range / 500;
}
function toPlane(view, frame, plane) {
  view.plane = Math.min(frame.frames - 1, Math.max(0, plane));
}
function pixelAt(view, frame, at) {
  const point = toImage(view, at);
  if (!inside(frame, point)) return null;
  const [column, row] = point.map(Math.floor);
  const sample = frame.samples[(view.plane * frame.rows + row) * frame.columns + column];
  return { row, column, value: sample * frame.slope + frame.intercept };
}

// ui/viewer/pane.js
function part(className, text = "") {
  const made = document.createElement("div");
  made.className = className;
  made.textContent = text;
  return made;
}
function newCanvas(description) {
  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", description);
  return canvas;
}
function actionsOn(view, canvas, frame, overlay) {
  const turn = (by) => () => turnView(view, canvas, frame, by);
  const step = (by) => toPlane(view, frame, view.plane + by);
  return {
    window: ([dx, dy]) => dragWindow(view, dx, dy, frame.range),
    pan: ([dx, dy]) => pan(view, dx, dy),
    zoom: ([factor, x, y]) => zoomAbout(view, factor, x, y),
    fit: () => fit(view, canvas, frame),
    actual: () => actualSize(view, canvas, frame),
    invert: () => {
      view.inverted = !view.inverted;
    },
    overlay: () => {
      view.overlay = !view.overlay;
    },
    opacity: (value) => {
      view.opacity = value;
    },
    threshold: (value) => {
      view.threshold = value;
    },
    // By name: the prior has windows of its own.
    preset: (label) => applyPreset(
      view,
      frame.presets.find((preset) => preset.label === label) ?? frame.presets[0]
    ),
    reset: () => {
      Object.assign(view, newView(frame.presets[0], overlay, frame.aspect), { plane: view.plane });
      fit(view, canvas, frame);
    },
    scroll: step,
    plane: (plane) => toPlane(view, frame, plane),
    advance: () => toPlane(view, frame, (view.plane + 1) % frame.frames),
    ...Object.fromEntries(Object.entries(TURNS).map(([name, by]) => [name, turn(by)]))
  };
}
function readoutOf(view, ratio) {
  const number = (v) => Math.abs(v) >= 100 ? v.toFixed(0) : v.toPrecision(3);
  const kind = { SIGMOID: "  sigmoid", LUT: "  table" }[view.function] ?? "";
  return `C ${number(view.centre)}  W ${number(view.width)}${kind}  ${Math.round(100 * view.scale / ratio)}%`;
}
function markCanvas(canvas, view, heat, meant) {
  const told = {
    meant: meant?.join(",") ?? "",
    centre: view.centre,
    width: view.width,
    function: view.function,
    scale: view.scale,
    x: view.x,
    y: view.y,
    turn: view.turn.join(","),
    plane: view.plane,
    inverted: view.inverted,
    overlay: view.overlay && Boolean(heat),
    diagnosis: heat?.label ?? "",
    drawn: "yes"
  };
  for (const [name, value] of Object.entries(told)) mark(canvas, `data-${name}`, value);
}
function createPane(frame, told, overlay, viewer2) {
  const canvas = newCanvas(told.description);
  const renderer = createRenderer(canvas, frame);
  if (!renderer) return "This browser has no WebGL2, so the image cannot be shown with its full grey depth. Turn on hardware acceleration or use another browser. The other panels still work.";
  if (Math.max(frame.rows, frame.columns) > renderer.largest) {
    return `This image is larger than the ${renderer.largest} pixels that this graphics device can hold.`;
  }
  const view = newView(frame.presets[0], overlay, frame.aspect);
  const does = actionsOn(view, canvas, frame, overlay);
  const kept = marksOn(frame.id, fromRecord(told.marks));
  const root = part("pane");
  const readout = part("readout"), probe = part("probe"), legend = part("legend");
  let heat = null;
  let meant = null;
  let before = null;
  let requested = 0;
  const show = () => {
    requested = 0;
    renderer.draw(view);
    drawing.show(kept, measuring.selected, view, canvas, meant);
    say(readout, readoutOf(view, devicePixelRatio || 1));
    markCanvas(canvas, view, heat, meant);
    viewer2.drawn(pane);
  };
  const draw = () => {
    requested ||= requestAnimationFrame(show);
  };
  const ask = () => {
    cancelAnimationFrame(requested);
    drawing.ask();
    show();
  };
  const measuring = createMeasuring(frame, view, canvas, kept, draw, ask);
  const drawing = createDrawing(
    frame,
    told.label,
    measuring,
    () => canvas.focus({ preventScroll: true })
  );
  const act = (name, value) => viewer2.act(name, value, pane);
  const resize = () => {
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(root.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(root.clientHeight * ratio));
    if (view.fitted) fit(view, canvas, frame);
    show();
  };
  const observer = new ResizeObserver(resize);
  const detach = [
    attachPointer(canvas, act, measuring, viewer2.tool),
    attachWheel(canvas, act, frame.frames),
    attachKeys(canvas, ({ act: name, shift }) => viewer2.key(name, shift, pane))
  ];
  const lost = (event) => event.preventDefault();
  const restored = () => {
    renderer.restore();
    draw();
  };
  canvas.addEventListener("webglcontextlost", lost);
  canvas.addEventListener("webglcontextrestored", restored);
  root.append(
    canvas,
    drawing.svg,
    part("label", told.label),
    legend,
    part("unstated", told.unstated),
    readout,
    probe
  );
  observer.observe(root);
  const pane = {
    root,
    canvas,
    frame,
    view,
    measuring,
    list: drawing.list,
    get heat() {
      return heat;
    },
    does(name, value) {
      does[name](value);
      draw();
    },
    showProbe(at) {
      const pixel = at && pixelAt(view, frame, at);
      say(probe, pixel ? `row ${pixel.row}  column ${pixel.column}  value ${Number(pixel.value.toPrecision(6))}` : "");
    },
    setLegend: (text) => say(legend, text),
    setHeat(next) {
      heat = next;
      renderer.setHeat(next);
      draw();
    },
    // Looks at a box of the image, or for null back at what was in view before.
    look(box) {
      if (!box && !before) return;
      before ??= { x: view.x, y: view.y, scale: view.scale, fitted: view.fitted };
      meant = box;
      if (box) showBox(view, canvas, box);
      else {
        if (before.fitted) fit(view, canvas, frame);
        else Object.assign(view, before);
        before = null;
      }
      draw();
    },
    close() {
      cancelAnimationFrame(requested);
      observer.disconnect();
      detach.forEach((stop) => stop());
      canvas.removeEventListener("webglcontextlost", lost);
      canvas.removeEventListener("webglcontextrestored", restored);
      root.remove();
      drawing.list.remove();
      renderer.release();
    }
  };
  return pane;
}

// ui/viewer/toolbar.js
var KEPT = "Kept with your next decision or signature.";
var MARKS = ["length", "angle", "rectangle", "arrow", "text"];
function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
function button(face, title, act) {
  const made = element("button", "tool");
  made.type = "button";
  made.title = title;
  made.setAttribute("aria-label", title);
  made.append(face);
  made.addEventListener("click", act);
  return made;
}
function slider(label, title, act) {
  const made = element("label", "slider", label);
  const input = element("input");
  const number = element("output");
  Object.assign(input, { type: "range", min: 0, max: 100, step: 1, title });
  input.setAttribute("aria-label", title);
  input.addEventListener("input", () => act(Number(input.value)));
  made.append(input, number);
  return {
    made,
    show(value, enabled) {
      put(input, value);
      say(number, `${value}%`);
      input.disabled = !enabled;
      made.classList.toggle("off", !enabled);
    }
  };
}
function group(...children) {
  const made = element("div", "group");
  made.append(...children);
  return made;
}
function windowList(act) {
  const made = element("select", "windows");
  made.title = "Window (keys 1 to 9)";
  made.setAttribute("aria-label", made.title);
  made.addEventListener("change", () => {
    act("preset", Number(made.value));
    act("focus");
  });
  let filled = null;
  return {
    made,
    show(view, presets) {
      if (filled !== presets) {
        made.replaceChildren(...presets.map(({ label, key }, i) => new Option(key ? `${key} ${label}` : label, i)), new Option("By hand", -1));
        made.options[presets.length].disabled = true;
        filled = presets;
      }
      put(made, presets.findIndex((preset) => showsPreset(view, preset)));
    }
  };
}
function pressed(made, on) {
  mark(made, "aria-pressed", Boolean(on));
}
function tools(act) {
  return {
    window: button(icon("window"), "Window and level by dragging (key Esc)", () => act("leave")),
    ...Object.fromEntries(MARKS.map((name) => [name, button(icon(name), `${titleOf(name)}. ${KEPT}`, () => act(name))]))
  };
}
function createToolbar(priorLabel, act) {
  const list = windowList(act);
  const tool = tools(act);
  const key = button(icon("key"), `${titleOf("key")}. ${KEPT}`, () => act("key"));
  const invert = button(icon("invert"), titleOf("invert"), () => act("invert"));
  const plain = (name) => button(name === "actual" ? "1:1" : icon(name), titleOf(name), () => act(name));
  const simple = ["fit", "full", "actual", "rotateLeft", "rotateRight", "reset"].map(plain);
  const flips = ["flipAcross", "flipDown"].map(plain);
  const overlay = button("Overlay", titleOf("overlay"), () => act("overlay"));
  const opacity = slider("Opacity", "Heat map opacity, percent", (v) => act("opacity", v));
  const threshold = slider(
    "From",
    "Hide relevance below, percent of the strongest",
    (v) => act("threshold", v)
  );
  const prior = button(icon("prior"), `${titleOf("prior")}: ${priorLabel}`, () => act("prior"));
  const link2 = button(icon("link"), titleOf("link"), () => act("link"));
  const help = button("?", titleOf("help"), () => act("help"));
  const top = element("div", "bar");
  top.append(list.made, group(...Object.values(tool), key), group(invert, ...simple));
  const bottom = element("div", "bar");
  bottom.append(group(overlay), group(opacity.made, threshold.made), element("span", "space"));
  bottom.append(group(...flips));
  if (priorLabel) bottom.append(group(prior, link2));
  bottom.append(help);
  return {
    top,
    bottom,
    show({ view, presets, heat, active, tool: chosen, priorShown, linked, helpShown, isKey }) {
      list.show(active, presets);
      for (const [name, made] of Object.entries(tool)) pressed(made, name === chosen);
      pressed(key, isKey);
      pressed(invert, active.inverted);
      pressed(overlay, heat && view.overlay);
      overlay.disabled = !heat;
      opacity.show(view.opacity, heat && view.overlay);
      threshold.show(view.threshold, heat && view.overlay);
      pressed(prior, priorShown);
      pressed(link2, linked);
      link2.disabled = !priorShown;
      pressed(help, helpShown);
    }
  };
}

// ui/viewer/viewer.js
var STEP = 40;
var TOGETHER = /* @__PURE__ */ new Set([
  "window",
  "pan",
  "zoom",
  "fit",
  "actual",
  "invert",
  "preset",
  "reset",
  "rotateLeft",
  "rotateRight",
  "flipAcross",
  "flipDown",
  "scroll",
  "plane",
  "advance"
]);
var HEAT_MAP = /* @__PURE__ */ new Set(["overlay", "opacity", "threshold"]);
var CHOSEN = "triptych-choice";
var ASKED = "triptych-ask";
var HANGING = "hanging";
var PRIOR = "prior";
var MEANT = "triptych-evidence";
var instances = /* @__PURE__ */ new WeakMap();
var pending = /* @__PURE__ */ new WeakMap();
function message(root, text) {
  const made = document.createElement("p");
  made.className = "message";
  made.setAttribute("role", "alert");
  made.textContent = text;
  root.replaceChildren(made);
}
function keysOf(state, act) {
  const middle = (factor, { canvas }) => ["zoom", [factor, canvas.width / 2, canvas.height / 2]];
  const arrow = (dx, dy, steps) => (pane, shift) => {
    if (pane.measuring.selected?.ends.length) {
      const by = shift ? 10 : 1;
      return pane.measuring.nudge(dx * by, dy * by);
    }
    if (steps && pane.frame.frames > 1) return act("scroll", steps, pane);
    return act("pan", [-dx * STEP, -dy * STEP], pane);
  };
  return {
    zoomIn: (pane) => act(...middle(1.25, pane), pane),
    zoomOut: (pane) => act(...middle(0.8, pane), pane),
    up: arrow(0, -1, -1),
    down: arrow(0, 1, 1),
    left: arrow(-1, 0, 0),
    right: arrow(1, 0, 0),
    first: (pane) => act("plane", 0, pane),
    last: (pane) => act("plane", pane.frame.frames - 1, pane),
    place: (pane) => pane.measuring.place(state.tool === "window" ? null : state.tool),
    remove: (pane) => pane.measuring.remove()
  };
}
function legendOf(view, heat) {
  if (!heat) return "No heat map";
  return view.overlay ? `Heat map: ${heat.label}` : "Heat map hidden";
}
function ownActions(root, state, parts) {
  const toTool = (name) => () => {
    state.tool = state.tool === name ? "window" : name;
    parts.cine.stop();
  };
  const help = (open) => {
    state.helpShown = open;
    parts.help.toggle(open);
    if (!open) state.active.canvas.focus({ preventScroll: true });
  };
  return {
    ...Object.fromEntries(["length", "angle", "rectangle", "arrow", "text"].map((name) => [name, toTool(name)])),
    key: () => state.active.measuring.key(),
    undo: () => state.active.measuring.undo(),
    leave: () => {
      state.tool = "window";
      if (state.helpShown) help(false);
      state.active.measuring.select(null);
    },
    help: () => help(!state.helpShown),
    prior: () => {
      const detail = { name: HANGING, value: state.priorShown ? "" : PRIOR };
      document.dispatchEvent(new CustomEvent(ASKED, { detail }));
    },
    full: () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else root.requestFullscreen?.().catch(() => {
      });
    },
    link: () => {
      state.linked = !state.linked;
    },
    play: () => parts.cine.toggle(),
    focus: () => state.active.canvas.focus({ preventScroll: true })
  };
}
function build(root, frame, data) {
  const state = {
    panes: [],
    active: null,
    tool: "window",
    linked: true,
    priorShown: false,
    helpShown: false
  };
  const parts = {};
  const refresh = () => {
    const [main] = state.panes;
    parts.toolbar.show({
      ...state,
      view: main.view,
      heat: main.heat,
      active: state.active.view,
      presets: state.active.frame.presets,
      isKey: state.active.measuring.isKey
    });
    main.setLegend(legendOf(main.view, main.heat));
    parts.cine.show(main.view.plane);
    putLook(lookOf(data.name, main, state.priorShown), state);
    const several = state.panes.length > 1;
    for (const pane of state.panes) {
      pane.root.classList.toggle("active", several && pane === state.active);
    }
  };
  const act = (name, value, pane = state.active) => {
    if (name === "probe") return pane.showProbe(value);
    if (name === "activate") state.active = pane;
    else if (own[name]) own[name](value);
    else if (HEAT_MAP.has(name)) state.panes[0].does(name, value);
    else {
      if (name === "preset") value = pane.frame.presets[value]?.label;
      if (name === "preset" && value === void 0) return;
      const all = TOGETHER.has(name) && state.linked ? state.panes : [pane];
      all.forEach((one) => one.does(name, value));
    }
    refresh();
  };
  const keys = keysOf(state, act);
  const shared = {
    act,
    tool: () => state.tool,
    drawn: refresh,
    key(name, shift, pane) {
      if (keys[name]) keys[name](pane, shift);
      else act(name, void 0, pane);
    }
  };
  const stage = document.createElement("div");
  stage.className = "stage";
  const lists = document.createElement("div");
  lists.className = "lists";
  const addPane = (shown, told) => {
    const pane = createPane(shown, told, data.overlay, shared);
    if (typeof pane === "string") return pane;
    state.panes.push(pane);
    stage.append(pane.root);
    lists.append(pane.list);
    return null;
  };
  const showPrior = priorOf(state, data.prior, addPane, refresh);
  const own = ownActions(root, state, parts);
  const trouble = addPane(frame, data);
  if (trouble) return message(root, trouble), null;
  state.active = state.panes[0];
  parts.toolbar = createToolbar(data.prior?.label ?? "", act);
  parts.cine = createCine(frame.frames, act);
  parts.help = createHelp(() => act("help"));
  stage.append(lists, parts.help.dialog);
  root.replaceChildren(parts.toolbar.top, stage, parts.cine.bar, parts.toolbar.bottom);
  refresh();
  const detach = attachKeys(null, ({ act: name, key }) => act(name, name === "preset" ? Number(key) - 1 : void 0));
  const unhang = followHanging((shown) => {
    showPrior(shown);
    refresh();
  });
  const unmeant = followSentences(data.name, state.panes[0]);
  const unwatch = watchHeat(frame.id, (heat) => state.panes[0].setHeat(heat));
  return {
    id: frame.id,
    close() {
      dropLook(state);
      unwatch();
      unmeant();
      unhang();
      parts.cine.stop();
      detach();
      showPrior(false);
      state.panes.forEach((pane) => pane.close());
    }
  };
}
function priorOf(state, prior, addPane, refresh) {
  let stopWaiting = () => {
  };
  return (shown) => {
    if (!prior || shown === state.priorShown) return;
    state.priorShown = shown;
    stopWaiting();
    if (shown) {
      stopWaiting = whenFrame(prior.frame, (frame) => {
        addPane(frame, prior);
        refresh();
      });
    } else if (state.panes.length > 1) {
      state.active = state.panes[0];
      state.panes.pop().close();
    }
  };
}
function followHanging(showPrior) {
  const heard = ({ detail: { name, value } }) => {
    if (name === HANGING) showPrior(value === PRIOR);
  };
  document.addEventListener(CHOSEN, heard);
  showPrior(document.documentElement.dataset[HANGING] === PRIOR);
  return () => document.removeEventListener(CHOSEN, heard);
}
function followSentences(name, pane) {
  const heard = ({ detail }) => pane.look(detail?.film === name ? detail.box : null);
  document.addEventListener(MEANT, heard);
  return () => document.removeEventListener(MEANT, heard);
}
function rootOf(parentElement) {
  let root = parentElement.querySelector(".viewer");
  if (!root) {
    root = document.createElement("div");
    root.className = "viewer";
    parentElement.append(root);
  }
  return root;
}
function openWhenHere(parentElement, root, data) {
  pending.get(parentElement)?.();
  message(root, "Loading image");
  pending.set(parentElement, whenFrame(data.frame, (frame) => {
    const made = build(root, frame, data);
    if (made) instances.set(parentElement, made);
  }));
}
function closeViewer(parentElement) {
  pending.get(parentElement)?.();
  instances.get(parentElement)?.close();
  instances.delete(parentElement);
}
function viewer({ data, parentElement }) {
  if (instances.get(parentElement)?.id !== data.frame) {
    closeViewer(parentElement);
    openWhenHere(parentElement, rootOf(parentElement), data);
  }
  return () => closeViewer(parentElement);
}
export {
  viewer as default
};
