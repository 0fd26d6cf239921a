// Where a point of the image is on the canvas, and back. Plain values, no browser.
//
// Image points are [column, row] in source pixels, pixel edges at whole numbers; canvas points are
// [x, y] in device pixels. `view` has x, y, scale, aspect (height of a pixel by its width, 1 where it
// is square) and turn = [a, b, c, d], entries -1, 0 or 1:
// x' = a * column + b * row * aspect, y' = c * column + d * row * aspect.

export const UPRIGHT = [1, 0, 0, 1];
export const TURNS = {
  rotateRight: [0, -1, 1, 0],
  rotateLeft: [0, 1, -1, 0],
  flipAcross: [-1, 0, 0, 1],
  flipDown: [1, 0, 0, -1],
};

// `turn` first, then `by`.
export function turned(turn, by) {
  const [a, b, c, d] = turn, [e, f, g, h] = by;
  return [e * a + f * c, e * b + f * d, g * a + h * c, g * b + h * d];
}

export function toCanvas(view, [column, row]) {
  const [a, b, c, d] = view.turn, down = row * view.aspect;
  return [view.scale * (a * column + b * down) + view.x,
    view.scale * (c * column + d * down) + view.y];
}

export function toImage(view, [x, y]) {
  const [a, b, c, d] = view.turn; // orthogonal: its inverse is its transpose
  const u = (x - view.x) / view.scale, v = (y - view.y) / view.scale;
  return [a * u + c * v, (b * u + d * v) / view.aspect];
}

// Width and height of the turned image, in widths of a source pixel.
export function extent({ turn, aspect }, { columns, rows }) {
  const down = rows * aspect;
  return turn[0] ? [columns, down] : [down, columns];
}

export function inside({ columns, rows }, [column, row]) {
  return column >= 0 && row >= 0 && column < columns && row < rows;
}

export function clampToImage({ columns, rows }, [column, row]) {
  return [Math.min(columns, Math.max(0, column)), Math.min(rows, Math.max(0, row))];
}

// A part of a mark names which end its column and its row come from.
export function partsOf({ kind, ends }) {
  return kind === "rectangle" ? [[0, 0], [0, 1], [1, 1], [1, 0]] : ends.map((_, i) => [i, i]);
}

export function partAt(ends, [i, j]) {
  return [ends[i][0], ends[j][1]];
}

export function distanceToSegment([x, y], [x0, y0], [x1, y1]) {
  const dx = x1 - x0, dy = y1 - y0;
  const along = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
}

// What of a mark lies under a canvas point: a part, "whole" for its line, or null.
export function partUnder(view, mark, at, reach) {
  const parts = partsOf(mark);
  const corners = parts.map((part) => toCanvas(view, partAt(mark.ends, part)));
  const near = corners.map((c) => Math.hypot(c[0] - at[0], c[1] - at[1]));
  const nearest = near.indexOf(Math.min(...near));
  if (near[nearest] <= reach) return parts[nearest];
  const round = mark.kind === "rectangle" ? corners.length : corners.length - 1;
  const sides = corners.slice(0, Math.max(0, round))
    .map((corner, i) => [corner, corners[(i + 1) % corners.length]]);
  const touched = sides.some(([from, to]) => distanceToSegment(at, from, to) <= reach * 0.75);
  return touched ? "whole" : null;
}

export function movePart(ends, [i, j], [column, row]) {
  const moved = ends.map((end) => [...end]);
  moved[i][0] = column;
  moved[j][1] = row;
  return moved;
}

export function moveWhole(ends, [dColumn, dRow]) {
  return ends.map(([column, row]) => [column + dColumn, row + dRow]);
}
