// Placing, moving and deleting marks on one pane: lengths, angles, rectangles, arrows, words, key images.

import { clampToImage, inside, movePart, moveWhole, partAt, partsOf, partUnder, toImage }
  from "./geometry.js";
import { rounded } from "./look.js";

const REACH = 9; // css px
const SMALLEST = 2; // source pixels; less was a click, not a mark
const MOST_STEPS = 50; // that can be taken back
const POINTS = { length: 2, angle: 3, rectangle: 2, arrow: 2, text: 1 };
const WORDED = new Set(["arrow", "text"]);
// Where a mark without the mouse begins, as shares of the canvas.
const PLACES = [[0.35, 0.45], [0.65, 0.55], [0.65, 0.35]];

// An angle is drawn side by side; only one that has both says something.
export function complete({ kind, ends, text }) {
  return kind === "key" || (kind === "text" ? Boolean(text) : ends.length === POINTS[kind]);
}

function tooSmall({ kind, ends }) {
  if (kind === "key" || kind === "text") return false;
  const [[c0, r0], [c1, r1]] = ends.slice(-2);
  return Math.hypot(c1 - c0, r1 - r0) < SMALLEST;
}

function lookOf({ function: name, centre, width, inverted }) {
  return { function: name, centre: rounded(centre), width: rounded(width), inverted };
}

function sameKey(mark, plane, look) {
  return mark.kind === "key" && mark.plane === plane &&
    JSON.stringify(mark.window) === JSON.stringify(look);
}

// `kept` is the list that outlives the pane; `changed` is called after every change, `ask` where the
// words of the selected mark are to be typed.
export function createMeasuring(frame, view, canvas, kept, changed, ask = () => {}) {
  let selected = null;
  let end = 0;
  let grip = null;
  const past = [];
  const ratio = () => canvas.width / (canvas.clientWidth || 1);
  const remember = () => {
    past.push(JSON.stringify(kept));
    if (past.length > MOST_STEPS) past.shift();
  };
  const forget = () => { if (past.at(-1) === JSON.stringify(kept)) past.pop(); };
  const select = (mark) => {
    selected = mark;
    if (mark) view.plane = mark.plane;
    if (mark?.kind === "key" && mark.window.function !== "LUT") {
      Object.assign(view, mark.window, { table: null });
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
  const takeOut = (mark) => {
    const at = kept.indexOf(mark);
    if (at >= 0) kept.splice(at, 1);
    if (mark === selected) selected = null;
    grip = null;
  };
  const reshape = (ends) => {
    selected.ends = ends.map((point) => clampToImage(frame, point));
    changed();
  };
  // The other side of an angle that has one.
  const goesOn = (kind, point) => {
    if (kind !== "angle" || selected?.kind !== "angle" || complete(selected)) return false;
    selected.ends = [...selected.ends, point];
    grip = { part: [2, 2], from: point, made: false };
    changed();
    return true;
  };

  return {
    select,
    get selected() { return selected; },
    remove(mark = selected) {
      if (!mark) return;
      remember();
      takeOut(mark);
      changed();
    },
    // Takes back the last thing that was done to the marks of this image.
    undo() {
      const before = past.pop();
      if (before === undefined) return;
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
      for (const mark of here) {
        const part = partUnder(view, mark, at, REACH * ratio());
        if (!part) continue;
        select(mark);
        grip = { part, from: point, made: false };
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
      } else if (made && WORDED.has(selected?.kind)) ask();
      if (held) forget();
    },
    // Without the mouse: place one in the middle of what is seen, then go from end to end, and to its
    // words.
    place(kind) {
      if (selected && selected.kind !== "key") {
        const stops = partsOf(selected).length + (WORDED.has(selected.kind) ? 1 : 0);
        end = (end + 1) % stops;
        if (end === partsOf(selected).length) ask();
        return changed();
      }
      if (!kind) return;
      remember();
      const at = ([x, y]) =>
        clampToImage(frame, toImage(view, [canvas.width * x, canvas.height * y]));
      add(kind, PLACES.slice(0, POINTS[kind]).map(at));
    },
    // Moves the end in hand by canvas pixels of the screen's own directions, one source pixel each.
    nudge(dx, dy) {
      const parts = partsOf(selected);
      if (!parts.length) return;
      remember();
      const part = parts[end % parts.length];
      const [column, row] = partAt(selected.ends, part);
      const zero = toImage(view, [0, 0]);
      const step = toImage(view, [dx * view.scale, dy * view.scale]);
      const moved = [column + step[0] - zero[0], row + step[1] - zero[1]];
      reshape(movePart(selected.ends, part, moved));
    },
    // The words of an arrow, or that are all of a mark; that without any is none.
    write(mark, text) {
      if ((mark.text ?? "") === text) {
        if (!complete(mark)) takeOut(mark);
        return changed();
      }
      remember();
      mark.text = text;
      if (!complete(mark)) takeOut(mark);
      changed();
    },
    // What is shown now, as it is shown, or not any more.
    key() {
      const look = lookOf(view);
      const before = kept.find((mark) => sameKey(mark, view.plane, look));
      remember();
      if (before) takeOut(before);
      else kept.push({ kind: "key", ends: [], plane: view.plane, window: look });
      changed();
    },
    get isKey() {
      return kept.some((mark) => sameKey(mark, view.plane, lookOf(view)));
    },
  };
}
