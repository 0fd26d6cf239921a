// What part of which image is shown, and how. Plain values; lengths in canvas (device) pixels.

import { extent, inside, toCanvas, toImage, turned, UPRIGHT } from "./geometry.js";

const SMALLEST_SCALE = 0.02;
const LARGEST_SCALE = 40;
const AROUND = 2.5; // sides of a box that the canvas shows, so that it is seen where it is

export function newView(preset, overlay, aspect) {
  return {
    x: 0, y: 0, scale: 1, aspect, turn: UPRIGHT, fitted: true, plane: 0, inverted: false,
    ...windowOf(preset),
    overlay: overlay.shown, opacity: overlay.opacity, threshold: overlay.threshold,
  };
}

function windowOf({ function: name, centre, width, table }) {
  return { function: name, centre, width, table };
}

export function applyPreset(view, preset) {
  Object.assign(view, windowOf(preset));
}

export function showsPreset(view, preset) {
  return view.function === preset.function && view.centre === preset.centre &&
    view.width === preset.width && view.table === preset.table;
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

// Whole image, aspect ratio kept, centred.
export function fit(view, canvas, frame) {
  const [across, down] = extent(view, frame);
  place(view, canvas, frame, Math.min(canvas.width / across, canvas.height / down), false);
  view.fitted = true;
}

// The width of one image pixel on one screen pixel, the middle of the image in the middle; whole offsets, so
// that nothing is interpolated.
export function actualSize(view, canvas, frame) {
  place(view, canvas, frame, 1, true);
  view.fitted = false;
}

// A box of the image (top, left, bottom, right in its pixels) in the middle, with as much around it.
export function showBox(view, canvas, [top, left, bottom, right]) {
  const size = extent(view, { columns: right - left, rows: bottom - top });
  const room = [canvas.width, canvas.height].map((length, i) => length / (AROUND * size[i]));
  view.scale = Math.min(LARGEST_SCALE, ...room);
  view.x = view.y = 0;
  const [x, y] = toCanvas(view, [(left + right) / 2, (top + bottom) / 2]);
  [view.x, view.y] = [canvas.width / 2 - x, canvas.height / 2 - y];
  view.fitted = false;
}

// The point in the middle of the canvas stays there.
export function turnView(view, canvas, frame, by) {
  const middle = [canvas.width / 2, canvas.height / 2];
  const kept = toImage(view, middle);
  view.turn = turned(view.turn, by);
  if (view.fitted) return fit(view, canvas, frame);
  const now = toCanvas(view, kept);
  const moved = [view.x + middle[0] - now[0], view.y + middle[1] - now[1]];
  [view.x, view.y] = view.scale === 1 ? moved.map(Math.round) : moved;
}

export function zoomAbout(view, factor, x, y) {
  const scale = Math.min(LARGEST_SCALE, Math.max(SMALLEST_SCALE, view.scale * factor));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  view.fitted = false;
}

export function pan(view, dx, dy) {
  view.x += dx;
  view.y += dy;
  view.fitted = false;
}

// Right widens the window, down darkens; 500 px of travel is one full range of values.
export function dragWindow(view, dx, dy, range) {
  const least = view.function === "LINEAR" ? 1 : 0; // PS3.3 C.11.2.1.2.1
  view.width = Math.max(range / 1000, least, view.width + (dx * range) / 500);
  view.centre += (dy * range) / 500;
}

export function toPlane(view, frame, plane) {
  view.plane = Math.min(frame.frames - 1, Math.max(0, plane));
}

export function pixelAt(view, frame, at) {
  const point = toImage(view, at);
  if (!inside(frame, point)) return null;
  const [column, row] = point.map(Math.floor);
  const sample = frame.samples[(view.plane * frame.rows + row) * frame.columns + column];
  return { row, column, value: sample * frame.slope + frame.intercept };
}
