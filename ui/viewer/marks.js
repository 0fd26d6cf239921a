// Marks on their way to the record and back (clinical/review/marks.py): frames count from 1, points are
// [column, row] in source pixels, as everywhere.

import { complete } from "./measuring.js";
import { knownMarks } from "./registry.js";

const DIGITS = 100; // two decimals of a pixel

function toldOf({ kind, ends, plane, text = "", window: look = null }) {
  const points = ends.map((point) => point.map((part) => Math.round(part * DIGITS) / DIGITS));
  return { kind, frame: plane + 1, points, text, window: look };
}

// Of each image that was shown, what is on it now; `frames` is name of the image to id of its pixels.
export function toldMarks(frames) {
  const known = Object.entries(frames).filter(([, id]) => knownMarks(id));
  return Object.fromEntries(known.map(([image, id]) =>
    [image, knownMarks(id).filter(complete).map(toldOf)]));
}

export function fromRecord(marks) {
  return marks.map(({ kind, frame, points, text, window: look }) => ({
    kind, ends: points, plane: frame - 1, ...(text && { text }), ...(look && { window: look }),
  }));
}
