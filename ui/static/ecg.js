// An electrocardiogram on millimetre paper with calipers: drag over it, or move them by keys.
// The drawing is that of clinical/modalities/ecg/drawing.py, measured in millimetres; the words come
// from ui/words/markup.py, where every text is escaped.

export const MM_PER_SECOND = 25, MM_PER_MV = 10;
const STEP = 0.5, FAR = 5; // mm that an arrow key moves the calipers, and with Shift
const LEAST = 0.3; // mm: a shorter drag is a click, which takes the calipers away
const SLOWEST = 200; // ms: a shorter stretch is no beat, so no rate is told of it
const MEANT = "triptych-evidence";
const SVG = "http://www.w3.org/2000/svg";

// Millimetres on the page of a point of the screen; `box` is where the sheet lies there.
export function onPaper(box, size, x, y) {
  const across = Math.min(Math.max((x - box.left) / box.width, 0), 1);
  const down = Math.min(Math.max((y - box.top) / box.height, 0), 1);
  return { x: across * size.width, y: down * size.height };
}

// The strip of a lead that a point lies on, or else the nearest above or below it.
export function stripAt(strips, { x, y }) {
  const under = strips.filter((one) => x >= one.left
    && x <= one.left + (one.end - one.start) * MM_PER_SECOND);
  const away = (one) => Math.max(one.top - y, y - one.bottom, 0);
  return under.sort((one, other) => away(one) - away(other))[0] ?? null;
}

export function measured(from, to) {
  const ms = Math.round((Math.abs(to.x - from.x) / MM_PER_SECOND) * 1000);
  const mv = (from.y - to.y) / MM_PER_MV;
  return { ms, mv, rate: ms >= SLOWEST ? Math.round(60000 / ms) : null };
}

export function said(strips, from, to) {
  const { ms, mv, rate } = measured(from, to);
  const sign = Math.abs(mv) < 0.005 ? "" : mv < 0 ? "\u2212" : "+";
  const parts = [stripAt(strips, from)?.lead, `${ms}\u00a0ms`, `${sign}${Math.abs(mv).toFixed(2)}\u00a0mV`,
    rate === null ? null : `${rate}/min`];
  return parts.filter(Boolean).join(", ");
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function draw(root) {
  const { layer, from, to, strips, size } = root.state;
  layer.replaceChildren();
  root.querySelector(".reading").textContent = from ? said(strips, from, to) : "";
  if (!from) return;
  const left = Math.min(from.x, to.x), top = Math.min(from.y, to.y);
  const lines = [
    `M${from.x} 0V${size.height}M${to.x} 0V${size.height}`,
    `M${left - 2} ${from.y}H${Math.max(from.x, to.x) + 2}M${left - 2} ${to.y}H${Math.max(from.x, to.x) + 2}`,
  ];
  layer.append(element("rect", { class: "between", x: left, y: top,
    width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y) }));
  for (const d of lines) layer.append(element("path", { d }));
}

// The strips of the lead that a sentence means (ui/static/evidence.js): its seconds where they are drawn,
// else all of the lead, as what is meant comes again in every beat; all of the sheet where it means no
// lead. In mm.
export function meantOn(strips, size, { lead, seconds }) {
  if (!lead) return [{ x: 0, y: 0, ...size }];
  const own = strips.filter((one) => one.lead === lead);
  const [from, to] = seconds ?? [0, Infinity];
  const there = own.filter(({ start, end: until }) => from < until && to > start);
  const part = (one, first, last) => ({ x: one.left + (first - one.start) * MM_PER_SECOND, y: one.top,
    width: (last - first) * MM_PER_SECOND, height: one.bottom - one.top });
  if (!there.length) return own.map((one) => part(one, one.start, one.end));
  return there.map((one) => part(one, Math.max(from, one.start), Math.min(to, one.end)));
}

function mean(root, told) {
  const { at, strips, size, meaning } = root.state;
  const here = told?.tracing === at ? meantOn(strips, size, told) : [];
  meaning.replaceChildren(...here.map((box) => element("rect", { class: "meant", ...box })));
  if (here.length) root.scrollIntoView?.({ block: "nearest" });
}

function point(root, event) {
  const { size } = root.state;
  return onPaper(root.querySelector(".sheet").getBoundingClientRect(), size, event.clientX, event.clientY);
}

function begin(root, event) {
  if (event.button) return;
  const sheet = root.querySelector(".sheet");
  sheet.setPointerCapture?.(event.pointerId);
  root.state.dragging = true;
  root.state.from = root.state.to = point(root, event);
  draw(root);
}

function drag(root, event) {
  if (!root.state.dragging) return;
  root.state.to = point(root, event);
  draw(root);
}

function end(root) {
  const { from, to, dragging } = root.state;
  root.state.dragging = false;
  if (dragging && Math.hypot(to.x - from.x, to.y - from.y) < LEAST) root.state.from = root.state.to = null;
  draw(root);
}

// Enter puts both ends where they were last, or on the first trace; arrows move the second end, with Alt
// both; Escape takes them away.
function press(root, event) {
  const { state } = root;
  const far = event.shiftKey ? FAR : STEP;
  const move = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[event.key];
  if (event.key === "Enter") {
    const start = state.to ?? { x: state.strips[0].left, y: state.strips[0].baseline };
    state.from = state.to = start;
  } else if (event.key === "Escape" && state.from) state.from = state.to = null;
  else if (move && state.from) {
    const there = ({ x, y }) => ({ x: Math.min(Math.max(x + move[0], 0), state.size.width),
      y: Math.min(Math.max(y + move[1], 0), state.size.height) });
    state.to = there(state.to);
    if (event.altKey) state.from = there(state.from);
  } else return;
  event.preventDefault();
  event.stopPropagation();
  draw(root);
}

function make(parentElement) {
  const root = document.createElement("div");
  root.className = "ecg";
  root.innerHTML = '<div class="paper"><div class="sheet" tabindex="0" role="group"></div>'
    + '<output class="reading" aria-live="polite"></output></div><div class="words"></div>';
  const sheet = root.querySelector(".sheet");
  sheet.setAttribute("aria-label", "Electrocardiogram with calipers: Enter begins, arrows measure, "
    + "Shift moves further, Alt moves both ends, Escape ends");
  sheet.addEventListener("pointerdown", (event) => begin(root, event));
  sheet.addEventListener("pointermove", (event) => drag(root, event));
  for (const name of ["pointerup", "pointercancel"]) sheet.addEventListener(name, () => end(root));
  sheet.addEventListener("keydown", (event) => press(root, event));
  parentElement.append(root);
  return root;
}

export default function ecg({ data, parentElement }) {
  const root = parentElement.querySelector(".ecg") ?? make(parentElement);
  const size = { width: data.width, height: data.height };
  // Another diagnosis marks other parts of the same tracing: what was measured on it stays.
  const same = root.state?.tracing === data.tracing;
  const kept = same ? root.state : { from: null, to: null, dragging: false };
  const layer = element("svg", { class: "calipers", viewBox: `0 0 ${size.width} ${size.height}`, "aria-hidden": "true" });
  const meaning = element("svg", { class: "meaning", viewBox: `0 0 ${size.width} ${size.height}`, "aria-hidden": "true" });
  root.state = { ...kept, tracing: data.tracing, at: data.at, strips: data.strips, size, layer, meaning };
  root.querySelector(".sheet").innerHTML = data.svg;
  root.querySelector(".sheet").append(meaning, layer);
  root.querySelector(".words").innerHTML = data.words;
  draw(root);
  if (!root.stop) {
    const heard = ({ detail }) => mean(root, detail);
    document.addEventListener(MEANT, heard);
    root.stop = () => document.removeEventListener(MEANT, heard);
  }
  return () => {
    root.stop?.();
    root.stop = undefined;
  };
}
