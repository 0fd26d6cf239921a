// Marks over the image as SVG, and as a list that reads as text.

import { partAt, partsOf, toCanvas } from "./geometry.js";
import { drawn } from "./icons.js";
import { wordsOf } from "./measure.js";

const LINE = 15;
const HEAD = [12, 0.45]; // of an arrow: css px, and half its opening in radians
export const NAMES = { length: "Length", angle: "Angle", rectangle: "Rectangle", arrow: "Arrow",
  text: "Text", key: "Key image" };
const WORDED = new Set(["arrow", "text"]);
const LONGEST = 200; // characters

function words(lines, number, [x, y], box) {
  const width = 7 * Math.max(...lines.map((line) => line.length + 3));
  const left = Math.max(4, x + width + 8 > box.width ? x - width - 8 : x + 8);
  const top = Math.max(LINE, Math.min(y, box.height - LINE * lines.length));
  const text = drawn("text", { x: left, y: top });
  lines.forEach((line, i) => {
    const part = drawn("tspan", { x: left, dy: i ? LINE : 0 });
    part.textContent = i ? line : `${number}: ${line}`;
    text.append(part);
  });
  return text;
}

// An arrow points at where it was begun.
function headOf([[x, y], [fromX, fromY]]) {
  const [size, opening] = HEAD, along = Math.atan2(fromY - y, fromX - x);
  const barb = (turn) =>
    `${x + size * Math.cos(along + turn)},${y + size * Math.sin(along + turn)}`;
  return `${barb(opening)} ${x},${y} ${barb(-opening)}`;
}

function shape(mark, number, lines, view, ratio, box, selected) {
  const corners = partsOf(mark).map((part) =>
    toCanvas(view, partAt(mark.ends, part)).map((length) => length / ratio));
  const points = corners.map((corner) => corner.join(",")).join(" ");
  const name = mark.kind === "rectangle" ? "polygon" : "polyline";
  const group = drawn("g", { class: selected ? "measured selected" : "measured" });
  const strokes = mark.kind === "arrow" ? [points, headOf(corners)] : [points];
  for (const stroke of strokes) {
    group.append(drawn(name, { points: stroke, class: "under" }), drawn(name, { points: stroke }));
  }
  // The tip of an arrow stays free: what it points at is there.
  for (const [x, y] of mark.kind === "arrow" && !selected ? corners.slice(1) : corners) {
    group.append(drawn("circle", { cx: x, cy: y, r: mark.kind === "text" ? 2.5 : 4 }));
  }
  const right = corners.reduce((best, corner) => (corner[0] > best[0] ? corner : best));
  const at = mark.kind === "arrow" ? corners[1] : right;
  group.append(words(lines.length ? lines : [""], number, at, box));
  return group;
}

// What a sentence about the film means (ui/static/evidence.js): top, left, bottom, right in pixels.
function meantBox([top, left, bottom, right], view, ratio) {
  const points = [[left, top], [right, top], [right, bottom], [left, bottom]]
    .map((corner) => toCanvas(view, corner).map((length) => length / ratio).join(",")).join(" ");
  const group = drawn("g", { class: "meant" });
  group.append(drawn("polygon", { points, class: "under" }), drawn("polygon", { points }));
  return group;
}

function field(mark, number, does, leave) {
  const input = document.createElement("input");
  input.className = "words";
  input.maxLength = LONGEST;
  input.value = mark.text ?? "";
  input.placeholder = "Words";
  input.setAttribute("aria-label", `Words of mark ${number}`);
  input.addEventListener("change", () => does.write(mark, input.value.trim()));
  input.addEventListener("blur", () => does.write(mark, input.value.trim()));
  for (const name of ["keydown", "keyup", "keypress"]) {
    input.addEventListener(name, (event) => {
      event.stopPropagation(); // no key of what is typed here is a command
      if (name === "keydown" && !event.isComposing && ["Enter", "Escape"].includes(event.key)) leave();
    });
  }
  return input;
}

function listed(mark, number, lines, selected, does, leave) {
  const item = document.createElement("li");
  const name = document.createElement("button");
  name.type = "button";
  name.className = "name";
  name.textContent = `${number} ${NAMES[mark.kind]}${lines.length ? ": " : ""}${lines.join(", ")}`;
  name.setAttribute("aria-pressed", String(selected));
  name.addEventListener("click", () => does.select(mark));
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "remove";
  remove.textContent = "×";
  remove.setAttribute("aria-label", `Delete mark ${number}`);
  remove.addEventListener("click", () => does.remove(mark));
  item.append(name);
  if (selected && WORDED.has(mark.kind)) item.append(field(mark, number, does, leave));
  item.append(remove);
  return item;
}

// `does` has select, remove and write, each taking a mark; `leave` leads from the words back to the image.
export function createDrawing(frame, label, does, leave = () => {}) {
  const svg = drawn("svg", { class: "drawing", "aria-hidden": "true" });
  const list = document.createElement("ol");
  list.className = "measurements";
  list.setAttribute("aria-label", `Marks ${label}`.trim());
  let last = "";
  let asking = false;
  const show = (marks, selected, view, canvas, meant = null) => {
    const ratio = canvas.width / (canvas.clientWidth || 1);
    const box = { width: canvas.clientWidth, height: canvas.clientHeight };
    const told = marks.map((mark) => wordsOf(frame, mark));
    svg.replaceChildren(...(meant ? [meantBox(meant, view, ratio)] : []), ...marks.flatMap((mark, i) => (mark.plane === view.plane && mark.ends.length
      ? [shape(mark, i + 1, told[i], view, ratio, box, mark === selected)] : [])));
    // The list keeps the focus, so it changes only where its words do.
    const now = JSON.stringify([told, marks.map(({ kind }) => kind), marks.indexOf(selected)]);
    if (now !== last) {
      last = now;
      list.replaceChildren(...marks.map((mark, i) =>
        listed(mark, i + 1, told[i], mark === selected, does, leave)));
    }
    if (asking) list.querySelector("input")?.focus({ preventScroll: true });
    asking = false;
  };
  return { svg, list, show, ask() { asking = true; } };
}
