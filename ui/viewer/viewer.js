// One radiograph and, where there is one, its prior beside it; the heat map of the selected
// diagnosis over it. Looking around never runs the page again.

import { createCine } from "./cine.js";
import { attachKeys } from "./controls.js";
import { createHelp } from "./help.js";
import { lookOf } from "./look.js";
import { createPane } from "./pane.js";
import { dropLook, putLook, watchHeat, whenFrame } from "./registry.js";
import { createToolbar } from "./toolbar.js";

const STEP = 40;
const TOGETHER = new Set(["window", "pan", "zoom", "fit", "actual", "invert", "preset", "reset",
  "rotateLeft", "rotateRight", "flipAcross", "flipDown", "scroll", "plane", "advance"]);
const HEAT_MAP = new Set(["overlay", "opacity", "threshold"]);
// What the reader wants beside the film is chosen for the whole page (ui/static/choice.js).
const CHOSEN = "triptych-choice", ASKED = "triptych-ask", HANGING = "hanging", PRIOR = "prior";
const MEANT = "triptych-evidence";
const instances = new WeakMap();
const pending = new WeakMap();

function message(root, text) {
  const made = document.createElement("p");
  made.className = "message";
  made.setAttribute("role", "alert");
  made.textContent = text;
  root.replaceChildren(made);
}

// Keys that mean something else on one pane than the action of their name.
function keysOf(state, act) {
  const middle = (factor, { canvas }) => ["zoom", [factor, canvas.width / 2, canvas.height / 2]];
  const arrow = (dx, dy, steps) => (pane, shift) => {
    if (pane.measuring.selected?.ends.length) {
      const by = shift ? 10 : 1;
      return pane.measuring.nudge(dx * by, dy * by);
    }
    if (steps && pane.frame.frames > 1) return act("scroll", steps, pane);
    return act("pan", [-dx * STEP, -dy * STEP], pane);
  };
  return {
    zoomIn: (pane) => act(...middle(1.25, pane), pane),
    zoomOut: (pane) => act(...middle(0.8, pane), pane),
    up: arrow(0, -1, -1), down: arrow(0, 1, 1), left: arrow(-1, 0, 0), right: arrow(1, 0, 0),
    first: (pane) => act("plane", 0, pane),
    last: (pane) => act("plane", pane.frame.frames - 1, pane),
    place: (pane) => pane.measuring.place(state.tool === "window" ? null : state.tool),
    remove: (pane) => pane.measuring.remove(),
  };
}

function legendOf(view, heat) {
  if (!heat) return "No heat map";
  return view.overlay ? `Heat map: ${heat.label}` : "Heat map hidden";
}

// Actions that are about the viewer and not about one view.
function ownActions(root, state, parts) {
  const toTool = (name) => () => {
    state.tool = state.tool === name ? "window" : name;
    parts.cine.stop(); // nobody measures on a running film
  };
  const help = (open) => {
    state.helpShown = open;
    parts.help.toggle(open);
    if (!open) state.active.canvas.focus({ preventScroll: true });
  };
  return {
    ...Object.fromEntries(["length", "angle", "rectangle", "arrow", "text"]
      .map((name) => [name, toTool(name)])),
    key: () => state.active.measuring.key(),
    undo: () => state.active.measuring.undo(),
    leave: () => {
      state.tool = "window";
      if (state.helpShown) help(false);
      state.active.measuring.select(null);
    },
    help: () => help(!state.helpShown),
    prior: () => {
      const detail = { name: HANGING, value: state.priorShown ? "" : PRIOR };
      document.dispatchEvent(new CustomEvent(ASKED, { detail }));
    },
    full: () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else root.requestFullscreen?.().catch(() => {}); // a browser that may not says so itself
    },
    link: () => { state.linked = !state.linked; },
    play: () => parts.cine.toggle(),
    focus: () => state.active.canvas.focus({ preventScroll: true }),
  };
}

function build(root, frame, data) {
  const state = {
    panes: [], active: null, tool: "window", linked: true, priorShown: false, helpShown: false,
  };
  const parts = {};
  const refresh = () => {
    const [main] = state.panes;
    parts.toolbar.show({
      ...state, view: main.view, heat: main.heat, active: state.active.view,
      presets: state.active.frame.presets, isKey: state.active.measuring.isKey,
    });
    main.setLegend(legendOf(main.view, main.heat));
    parts.cine.show(main.view.plane);
    putLook(lookOf(data.name, main, state.priorShown), state);
    const several = state.panes.length > 1;
    for (const pane of state.panes) {
      pane.root.classList.toggle("active", several && pane === state.active);
    }
  };
  const act = (name, value, pane = state.active) => {
    if (name === "probe") return pane.showProbe(value);
    if (name === "activate") state.active = pane;
    else if (own[name]) own[name](value);
    else if (HEAT_MAP.has(name)) state.panes[0].does(name, value);
    else {
      // Of the list of the image in hand; a key beyond its end does nothing.
      if (name === "preset") value = pane.frame.presets[value]?.label;
      if (name === "preset" && value === undefined) return;
      const all = TOGETHER.has(name) && state.linked ? state.panes : [pane];
      all.forEach((one) => one.does(name, value));
    }
    refresh();
  };
  const keys = keysOf(state, act);
  const shared = {
    act,
    tool: () => state.tool,
    drawn: refresh,
    key(name, shift, pane) {
      if (keys[name]) keys[name](pane, shift);
      else act(name, undefined, pane);
    },
  };
  const stage = document.createElement("div");
  stage.className = "stage";
  const lists = document.createElement("div");
  lists.className = "lists"; // over the image, which keeps its size while somebody measures
  const addPane = (shown, told) => {
    const pane = createPane(shown, told, data.overlay, shared);
    if (typeof pane === "string") return pane;
    state.panes.push(pane);
    stage.append(pane.root);
    lists.append(pane.list);
    return null;
  };
  const showPrior = priorOf(state, data.prior, addPane, refresh);
  const own = ownActions(root, state, parts);
  const trouble = addPane(frame, data);
  if (trouble) return message(root, trouble), null;
  state.active = state.panes[0];
  parts.toolbar = createToolbar(data.prior?.label ?? "", act);
  parts.cine = createCine(frame.frames, act);
  parts.help = createHelp(() => act("help"));
  stage.append(lists, parts.help.dialog);
  root.replaceChildren(parts.toolbar.top, stage, parts.cine.bar, parts.toolbar.bottom);
  refresh();
  const detach = attachKeys(null, ({ act: name, key }) =>
    act(name, name === "preset" ? Number(key) - 1 : undefined));
  const unhang = followHanging((shown) => { showPrior(shown); refresh(); });
  const unmeant = followSentences(data.name, state.panes[0]);
  const unwatch = watchHeat(frame.id, (heat) => state.panes[0].setHeat(heat));
  return {
    id: frame.id,
    close() {
      dropLook(state);
      unwatch();
      unmeant();
      unhang();
      parts.cine.stop();
      detach();
      showPrior(false);
      state.panes.forEach((pane) => pane.close());
    },
  };
}

// Shows the prior beside the image, as soon as it is here, or takes it away.
function priorOf(state, prior, addPane, refresh) {
  let stopWaiting = () => {};
  return (shown) => {
    if (!prior || shown === state.priorShown) return;
    state.priorShown = shown;
    stopWaiting();
    if (shown) {
      stopWaiting = whenFrame(prior.frame, (frame) => {
        addPane(frame, prior);
        refresh();
      });
    } else if (state.panes.length > 1) {
      state.active = state.panes[0];
      state.panes.pop().close();
    }
  };
}

// The prior stands beside the film where that is what the reader chose for all cases.
function followHanging(showPrior) {
  const heard = ({ detail: { name, value } }) => {
    if (name === HANGING) showPrior(value === PRIOR);
  };
  document.addEventListener(CHOSEN, heard);
  showPrior(document.documentElement.dataset[HANGING] === PRIOR);
  return () => document.removeEventListener(CHOSEN, heard);
}

// A sentence about the suggestion leads to a place on this film (ui/static/evidence.js), or away from it.
function followSentences(name, pane) {
  const heard = ({ detail }) => pane.look(detail?.film === name ? detail.box : null);
  document.addEventListener(MEANT, heard);
  return () => document.removeEventListener(MEANT, heard);
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
  pending.set(parentElement, whenFrame(data.frame, (frame) => {
    const made = build(root, frame, data);
    if (made) instances.set(parentElement, made);
  }));
}

function closeViewer(parentElement) {
  pending.get(parentElement)?.();
  instances.get(parentElement)?.close();
  instances.delete(parentElement);
}

// Runs again at every run of the page, on the same element; the returned function on removal.
export default function viewer({ data, parentElement }) {
  if (instances.get(parentElement)?.id !== data.frame) {
    closeViewer(parentElement);
    openWhenHere(parentElement, rootOf(parentElement), data);
  }
  return () => closeViewer(parentElement);
}
