// One image: its canvas, its view, the marks on it, and what is written over it.

import { mark, say } from "./changes.js";
import { attachKeys, attachPointer, attachWheel } from "./controls.js";
import { createDrawing } from "./drawing.js";
import { TURNS } from "./geometry.js";
import { fromRecord } from "./marks.js";
import { createMeasuring } from "./measuring.js";
import { marksOn } from "./registry.js";
import { createRenderer } from "./renderer.js";
import { actualSize, applyPreset, dragWindow, fit, newView, pan, pixelAt, showBox, toPlane, turnView,
  zoomAbout } from "./view.js";

function part(className, text = "") {
  const made = document.createElement("div");
  made.className = className;
  made.textContent = text;
  return made;
}

function newCanvas(description) {
  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", description);
  return canvas;
}

// What each action does to the view; whoever calls draws afterwards.
function actionsOn(view, canvas, frame, overlay) {
  const turn = (by) => () => turnView(view, canvas, frame, by);
  const step = (by) => toPlane(view, frame, view.plane + by);
  return {
    window: ([dx, dy]) => dragWindow(view, dx, dy, frame.range),
    pan: ([dx, dy]) => pan(view, dx, dy),
    zoom: ([factor, x, y]) => zoomAbout(view, factor, x, y),
    fit: () => fit(view, canvas, frame),
    actual: () => actualSize(view, canvas, frame),
    invert: () => { view.inverted = !view.inverted; },
    overlay: () => { view.overlay = !view.overlay; },
    opacity: (value) => { view.opacity = value; },
    threshold: (value) => { view.threshold = value; },
    // By name: the prior has windows of its own.
    preset: (label) => applyPreset(view,
      frame.presets.find((preset) => preset.label === label) ?? frame.presets[0]),
    reset: () => {
      Object.assign(view, newView(frame.presets[0], overlay, frame.aspect), { plane: view.plane });
      fit(view, canvas, frame);
    },
    scroll: step,
    plane: (plane) => toPlane(view, frame, plane),
    advance: () => toPlane(view, frame, (view.plane + 1) % frame.frames),
    ...Object.fromEntries(Object.entries(TURNS).map(([name, by]) => [name, turn(by)])),
  };
}

function readoutOf(view, ratio) {
  const number = (v) => (Math.abs(v) >= 100 ? v.toFixed(0) : v.toPrecision(3));
  const kind = { SIGMOID: "  sigmoid", LUT: "  table" }[view.function] ?? "";
  return `C ${number(view.centre)}  W ${number(view.width)}${kind}  ` +
    `${Math.round((100 * view.scale) / ratio)}%`;
}

function markCanvas(canvas, view, heat, meant) {
  const told = {
    meant: meant?.join(",") ?? "",
    centre: view.centre, width: view.width, function: view.function, scale: view.scale,
    x: view.x, y: view.y, turn: view.turn.join(","), plane: view.plane,
    inverted: view.inverted, overlay: view.overlay && Boolean(heat),
    diagnosis: heat?.label ?? "", drawn: "yes",
  };
  for (const [name, value] of Object.entries(told)) mark(canvas, `data-${name}`, value);
}

// `told` has description, label and marks; `viewer` has act(name, value, pane), tool() and drawn(pane).
// Returns a pane, or the reason why there is none.
export function createPane(frame, told, overlay, viewer) {
  const canvas = newCanvas(told.description);
  const renderer = createRenderer(canvas, frame);
  if (!renderer) return "This browser has no WebGL2, so the image cannot be shown with its full " +
    "grey depth. Turn on hardware acceleration or use another browser. The other panels still work.";
  if (Math.max(frame.rows, frame.columns) > renderer.largest) {
    return `This image is larger than the ${renderer.largest} pixels that this graphics device ` +
      "can hold.";
  }
  const view = newView(frame.presets[0], overlay, frame.aspect);
  const does = actionsOn(view, canvas, frame, overlay);
  const kept = marksOn(frame.id, fromRecord(told.marks));
  const root = part("pane");
  const readout = part("readout"), probe = part("probe"), legend = part("legend");
  let heat = null;
  let meant = null; // the box that a sentence means, and what was in view before
  let before = null;
  let requested = 0;
  const show = () => {
    requested = 0;
    renderer.draw(view);
    drawing.show(kept, measuring.selected, view, canvas, meant);
    say(readout, readoutOf(view, devicePixelRatio || 1));
    markCanvas(canvas, view, heat, meant);
    viewer.drawn(pane);
  };
  const draw = () => { requested ||= requestAnimationFrame(show); };
  // At once: what is typed before the field has the focus would be taken for commands of the page.
  const ask = () => {
    cancelAnimationFrame(requested);
    drawing.ask();
    show();
  };
  const measuring = createMeasuring(frame, view, canvas, kept, draw, ask);
  const drawing = createDrawing(frame, told.label, measuring,
    () => canvas.focus({ preventScroll: true }));
  const act = (name, value) => viewer.act(name, value, pane);
  const resize = () => {
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(root.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(root.clientHeight * ratio));
    if (view.fitted) fit(view, canvas, frame);
    show(); // at once: a canvas that changed its size is empty
  };
  const observer = new ResizeObserver(resize);
  const detach = [
    attachPointer(canvas, act, measuring, viewer.tool),
    attachWheel(canvas, act, frame.frames),
    attachKeys(canvas, ({ act: name, shift }) => viewer.key(name, shift, pane)),
  ];
  const lost = (event) => event.preventDefault(); // asks the browser to give it back
  const restored = () => {
    renderer.restore();
    draw();
  };
  canvas.addEventListener("webglcontextlost", lost);
  canvas.addEventListener("webglcontextrestored", restored);
  root.append(canvas, drawing.svg, part("label", told.label), legend,
    part("unstated", told.unstated), readout, probe);
  observer.observe(root);

  const pane = {
    root, canvas, frame, view, measuring, list: drawing.list,
    get heat() { return heat; },
    does(name, value) {
      does[name](value);
      draw();
    },
    showProbe(at) {
      const pixel = at && pixelAt(view, frame, at);
      say(probe, pixel
        ? `row ${pixel.row}  column ${pixel.column}  value ${Number(pixel.value.toPrecision(6))}`
        : "");
    },
    setLegend: (text) => say(legend, text),
    setHeat(next) {
      heat = next;
      renderer.setHeat(next);
      draw();
    },
    // Looks at a box of the image, or for null back at what was in view before.
    look(box) {
      if (!box && !before) return;
      before ??= { x: view.x, y: view.y, scale: view.scale, fitted: view.fitted };
      meant = box;
      if (box) showBox(view, canvas, box);
      else {
        if (before.fitted) fit(view, canvas, frame);
        else Object.assign(view, before);
        before = null;
      }
      draw();
    },
    close() {
      cancelAnimationFrame(requested);
      observer.disconnect();
      detach.forEach((stop) => stop());
      canvas.removeEventListener("webglcontextlost", lost);
      canvas.removeEventListener("webglcontextrestored", restored);
      root.remove();
      drawing.list.remove();
      renderer.release();
    },
  };
  return pane;
}
