// Measurements over the image as SVG, and as a list that reads as text.

import { partAt, partsOf, toCanvas } from "./geometry.js";
import { drawn } from "./icons.js";
import { wordsOf } from "./measure.js";

const LINE = 15;

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

function shape(measurement, number, lines, view, ratio, box, selected) {
  const corners = partsOf(measurement.kind).map((part) =>
    toCanvas(view, partAt(measurement.ends, part)).map((length) => length / ratio));
  const points = corners.map((corner) => corner.join(",")).join(" ");
  const name = measurement.kind === "length" ? "polyline" : "polygon";
  const group = drawn("g", { class: selected ? "measured selected" : "measured" });
  group.append(drawn(name, { points, class: "under" }), drawn(name, { points }));
  for (const [x, y] of corners) group.append(drawn("circle", { cx: x, cy: y, r: 4 }));
  const right = corners.reduce((best, corner) => (corner[0] > best[0] ? corner : best));
  group.append(words(lines, number, right, box));
  return group;
}

function listed(measurement, number, lines, selected, does) {
  const item = document.createElement("li");
  const name = document.createElement("button");
  const kind = measurement.kind === "length" ? "Length" : "Rectangle";
  name.type = "button";
  name.className = "name";
  name.textContent = `${number} ${kind}: ${lines.join(", ")}`;
  name.setAttribute("aria-pressed", String(selected));
  name.addEventListener("click", () => does.select(measurement));
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "remove";
  remove.textContent = "×";
  remove.setAttribute("aria-label", `Delete measurement ${number}`);
  remove.addEventListener("click", () => does.remove(measurement));
  item.append(name, remove);
  return item;
}

// `does` has select and remove, each taking a measurement.
export function createDrawing(frame, label, does) {
  const svg = drawn("svg", { class: "drawing", "aria-hidden": "true" });
  const list = document.createElement("ol");
  list.className = "measurements";
  list.setAttribute("aria-label", `Measurements ${label}`.trim());
  let last = "";
  const show = (measurements, selected, view, canvas) => {
    const ratio = canvas.width / (canvas.clientWidth || 1);
    const box = { width: canvas.clientWidth, height: canvas.clientHeight };
    const told = measurements.map((measurement) => wordsOf(frame, measurement));
    svg.replaceChildren(...measurements.map((measurement, i) => shape(
      measurement, i + 1, told[i], view, ratio, box, measurement === selected,
    )).filter((_, i) => measurements[i].plane === view.plane));
    // The list keeps the focus, so it changes only where its words do.
    const now = JSON.stringify([told, measurements.indexOf(selected)]);
    if (now === last) return;
    last = now;
    list.replaceChildren(...measurements.map((measurement, i) =>
      listed(measurement, i + 1, told[i], measurement === selected, does)));
  };
  return { svg, list, show };
}
