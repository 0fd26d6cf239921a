// What a mark says, and in which unit (clinical/review/measured.py says the same). Plain values, no
// browser.

// `spacing` is mm between rows and mm between columns; `spacingFrom` the DICOM attribute.
export function unitOf({ spacing, spacingFrom }) {
  if (!spacing) return { name: "px", place: "" };
  if (spacingFrom === "ImagerPixelSpacing") return { name: "mm", place: " at detector" };
  if (spacingFrom === "NominalScannedPixelSpacing") return { name: "mm", place: " on film" };
  return { name: "mm", place: "" };
}

function sides({ spacing }, [[c0, r0], [c1, r1]]) {
  const [perRow, perColumn] = spacing ?? [1, 1];
  return [Math.abs(c1 - c0) * perColumn, Math.abs(r1 - r0) * perRow];
}

export function lengthOf(frame, ends) {
  return Math.hypot(...sides(frame, ends));
}

// Degrees between both sides of the corner, which is the point in the middle.
export function angleOf({ spacing, aspect = 1 }, [from, corner, to]) {
  const [perRow, perColumn] = spacing ?? [aspect, 1];
  const side = ([column, row]) =>
    Math.atan2((row - corner[1]) * perRow, (column - corner[0]) * perColumn);
  const turn = Math.abs(side(from) - side(to)) * 180 / Math.PI;
  return Math.min(turn, 360 - turn);
}

export function areaOf(frame, ends) {
  const [across, down] = sides(frame, ends);
  return across * down;
}

// Of the pixels whose middle is in the rectangle; `sd` is that of these pixels (divided by n).
export function statisticsOf(frame, plane, [[c0, r0], [c1, r1]]) {
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

export function plainNumber(value) {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(4).replace(/\.?0+$/, "");
}

function windowWords({ function: name, centre, width, inverted }) {
  const kind = { SIGMOID: " (sigmoid)", LUT: " (table)" }[name] ?? "";
  return [`window ${plainNumber(centre)}/${plainNumber(width)}${kind}`,
    ...(inverted ? ["greys inverted"] : [])];
}

// Short lines for the picture; joined with commas they read as a sentence.
export function wordsOf(frame, { kind, ends, plane, text, window: look }) {
  if (kind === "arrow" || kind === "text") return text ? [text] : [];
  if (kind === "key") return [...windowWords(look), ...(frame.frames > 1 ? [`frame ${plane + 1}`] : [])];
  const { name, place } = unitOf(frame);
  const digits = name === "mm" ? 1 : 0;
  if (kind === "length") return [`${lengthOf(frame, ends).toFixed(digits)} ${name}${place}`];
  if (kind === "angle") {
    return [ends.length < 3 ? "press where its other side ends" : `${angleOf(frame, ends).toFixed(1)}°`];
  }
  const { n, mean, sd, min, max } = statisticsOf(frame, plane, ends);
  const size = areaOf(frame, ends);
  const area = `area ${size.toFixed(size < 100 ? digits : 0)} ${name}²${place}`;
  if (!n) return [area, "no pixel inside"];
  return [`mean ${plainNumber(mean)}, SD ${plainNumber(sd)}`,
    `min ${plainNumber(min)}, max ${plainNumber(max)}`, `${area}, n ${n}`];
}
