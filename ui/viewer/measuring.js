// Placing, moving and deleting measurements on one pane.

import { clampToImage, inside, movePart, moveWhole, partAt, partsOf, partUnder, toImage }
  from "./geometry.js";

const REACH = 9; // css px
const SMALLEST = 2; // source pixels; less was a click, not a measurement

// `kept` is the list that outlives the pane; `changed` is called after every change.
export function createMeasuring(frame, view, canvas, kept, changed) {
  let selected = null;
  let end = 0;
  let grip = null;
  const ratio = () => canvas.width / (canvas.clientWidth || 1);
  const select = (measurement) => {
    selected = measurement;
    if (measurement) view.plane = measurement.plane;
    changed();
  };
  const add = (kind, ends) => {
    const made = { kind, ends, plane: view.plane };
    kept.push(made);
    end = 1;
    select(made);
    return made;
  };
  const remove = (measurement = selected) => {
    const at = kept.indexOf(measurement);
    if (at >= 0) kept.splice(at, 1);
    if (measurement === selected) selected = null;
    grip = null;
    changed();
  };
  const reshape = (ends) => {
    selected.ends = ends.map((point) => clampToImage(frame, point));
    changed();
  };

  return {
    select, remove,
    get selected() { return selected; },
    // Whether the press belongs to a measurement: one that lies there, or a new one of `kind`.
    press(at, kind) {
      const here = kept.filter(({ plane }) => plane === view.plane).reverse();
      for (const measurement of here) {
        const part = partUnder(view, measurement, at, REACH * ratio());
        if (!part) continue;
        select(measurement);
        grip = { part, from: toImage(view, at) };
        return true;
      }
      const point = toImage(view, at);
      if (selected) select(null);
      if (!kind || !inside(frame, point)) return false;
      add(kind, [point, point]);
      grip = { part: [1, 1], from: point };
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
      grip = null;
      if (!selected) return;
      const [[c0, r0], [c1, r1]] = selected.ends;
      if (Math.hypot(c1 - c0, r1 - r0) < SMALLEST) remove();
    },
    // Without the mouse: place one in the middle of what is seen, then go from end to end.
    place(kind) {
      if (selected) {
        end = (end + 1) % partsOf(selected.kind).length;
        return changed();
      }
      if (!kind) return;
      const at = (x, y) =>
        clampToImage(frame, toImage(view, [canvas.width * x, canvas.height * y]));
      add(kind, [at(0.35, 0.45), at(0.65, 0.55)]);
    },
    // Moves the end in hand by canvas pixels of the screen's own directions, one source pixel each.
    nudge(dx, dy) {
      const part = partsOf(selected.kind)[end % partsOf(selected.kind).length];
      const [column, row] = partAt(selected.ends, part);
      const zero = toImage(view, [0, 0]);
      const step = toImage(view, [dx * view.scale, dy * view.scale]);
      const moved = [column + step[0] - zero[0], row + step[1] - zero[1]];
      reshape(movePart(selected.ends, part, moved));
    },
  };
}
