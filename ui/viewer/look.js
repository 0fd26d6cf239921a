// What is on the screen, as numbers for the record (clinical/review/viewed.py reads it).

import { toImage } from "./geometry.js";

const DIGITS = 6; // of a window's numbers

export function rounded(value) {
  return Number(value.toPrecision(DIGITS));
}

// Part of the image in view: left, top, right, bottom, in image pixels.
function boxOf(view, canvas, { columns, rows }) {
  const [a, b] = [toImage(view, [0, 0]), toImage(view, [canvas.width, canvas.height])];
  return [
    Math.max(0, Math.min(a[0], b[0])), Math.max(0, Math.min(a[1], b[1])),
    Math.min(columns, Math.max(a[0], b[0])), Math.min(rows, Math.max(a[1], b[1])),
  ].map(Math.round);
}

export function lookOf(image, { view, canvas, frame, heat }, prior) {
  return {
    image,
    function: view.function,
    centre: rounded(view.centre),
    width: rounded(view.width),
    inverted: view.inverted,
    diagnosis: view.overlay && heat ? heat.diagnosis : "",
    plane: view.plane + 1,
    zoom: Math.round((100 * view.scale) / (globalThis.devicePixelRatio || 1)),
    box: boxOf(view, canvas, frame),
    turn: view.turn,
    prior,
    opacity: view.opacity,
    threshold: view.threshold,
  };
}
