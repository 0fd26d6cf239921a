// One radiograph: window/level, zoom, pan, invert, and the heat map of the selected diagnosis.
// Nothing is sent to the server: looking around never runs the page again.

import { attachControls } from "./controls.js";
import { whenFrame } from "./registry.js";
import { createRenderer } from "./renderer.js";
import { createToolbar } from "./toolbar.js";
import { actualSize, dragWindow, fit, newView, pan, pixelAt, zoomAbout } from "./view.js";

const NO_WEBGL = "This browser has no WebGL2, so the image cannot be shown with its full grey " +
  "depth. Turn on hardware acceleration or use another browser. The other panels still work.";
const instances = new WeakMap();
const pending = new WeakMap();

function message(root, text) {
  const made = document.createElement("p");
  made.className = "message";
  made.setAttribute("role", "alert");
  made.textContent = text;
  root.replaceChildren(made);
}

// What each action does to the view; the caller draws afterwards.
function actions(view, canvas, frame, range) {
  return {
    window: ([dx, dy]) => dragWindow(view, dx, dy, range),
    pan: ([dx, dy]) => pan(view, dx, dy),
    zoom: ([factor, x, y]) => zoomAbout(view, factor, x, y),
    fit: () => fit(view, canvas, frame),
    actual: () => actualSize(view, canvas, frame),
    invert: () => { view.inverted = !view.inverted; },
    overlay: () => { view.overlay = !view.overlay; },
    opacity: (value) => { view.opacity = value; },
    threshold: (value) => { view.threshold = value; },
    preset: (preset) => { view.centre = preset.centre; view.width = preset.width; },
  };
}

function build(root, frame, data) {
  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", data.description);
  const renderer = createRenderer(canvas);
  if (!renderer) return message(root, NO_WEBGL), null;
  if (Math.max(frame.rows, frame.columns) > renderer.largest) {
    return message(root, `This image is larger than the ${renderer.largest} pixels that this ` +
      "graphics device can hold."), null;
  }
  const view = newView(data.presets[0], data.overlay);
  const does = actions(view, canvas, frame, data.range);
  let heat = null;
  let requested = 0;
  const show = () => {
    requested = 0;
    renderer.draw(view);
    toolbar.show(view, heat, devicePixelRatio || 1);
    Object.assign(canvas.dataset, {
      centre: view.centre, width: view.width, scale: view.scale, x: view.x, y: view.y,
      overlay: view.overlay && Boolean(heat), diagnosis: heat?.label ?? "", drawn: "yes",
    });
  };
  const draw = () => { requested ||= requestAnimationFrame(show); };
  const act = (name, value) => {
    if (name === "probe") return toolbar.showProbe(value && pixelAt(view, frame, ...value));
    does[name](value);
    draw();
  };
  const toolbar = createToolbar(data.presets, act);
  const stage = document.createElement("div");
  stage.className = "stage";
  stage.append(canvas, toolbar.readout, toolbar.probe, toolbar.legend);
  root.replaceChildren(toolbar.top, stage, toolbar.bottom);

  const resize = () => {
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(stage.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(stage.clientHeight * ratio));
    if (view.fitted) fit(view, canvas, frame);
    draw();
  };
  renderer.setFrame(frame);
  const observer = new ResizeObserver(resize);
  observer.observe(stage);
  const detach = attachControls(canvas, data.presets, act);
  canvas.addEventListener("webglcontextlost", () => {
    if (canvas.isConnected) message(root, "The graphics device was reset. Reload the page.");
  });

  return {
    digest: frame.digest,
    setHeat(next) {
      heat = next;
      renderer.setHeat(next);
      draw();
    },
    close() {
      cancelAnimationFrame(requested);
      observer.disconnect();
      detach();
      canvas.remove();
      renderer.release();
    },
  };
}

function rootOf(parentElement) {
  let root = parentElement.querySelector(".viewer");
  if (!root) {
    root = document.createElement("div");
    root.className = "viewer";
    parentElement.append(root);
  }
  return root;
}

function openWhenHere(parentElement, root, data) {
  pending.get(parentElement)?.();
  message(root, "Loading image");
  pending.set(parentElement, whenFrame(data.digest, (frame) => {
    const made = build(root, frame, data);
    if (!made) return;
    instances.set(parentElement, made);
    made.setHeat(data.heat);
  }));
}

function close(parentElement) {
  pending.get(parentElement)?.();
  instances.get(parentElement)?.close();
  instances.delete(parentElement);
}

// Runs again whenever the data change, on the same element; the returned function on removal.
export default function viewer({ data, parentElement }) {
  const open = instances.get(parentElement);
  if (open?.digest === data.digest) {
    open.setHeat(data.heat);
  } else {
    close(parentElement);
    openWhenHere(parentElement, rootOf(parentElement), data);
  }
  return () => close(parentElement);
}
