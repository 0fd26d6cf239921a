// ui/viewer/measuring.js
var POINTS = { length: 2, angle: 3, rectangle: 2, arrow: 2, text: 1 };
function complete({ kind, ends, text }) {
  return kind === "key" || (kind === "text" ? Boolean(text) : ends.length === POINTS[kind]);
}

// ui/viewer/registry.js
var KEY = /* @__PURE__ */ Symbol.for("triptych.pixels");
function store() {
  globalThis[KEY] ??= {
    frames: /* @__PURE__ */ new Map(),
    holders: /* @__PURE__ */ new Map(),
    waiting: /* @__PURE__ */ new Map(),
    measured: /* @__PURE__ */ new Map(),
    heats: /* @__PURE__ */ new Map(),
    watching: /* @__PURE__ */ new Map(),
    look: null,
    looking: null
  };
  return globalThis[KEY];
}
function watchLook(callback) {
  const shared = store();
  shared.looking = callback;
  callback(shared.look);
  return () => {
    if (shared.looking === callback) shared.looking = null;
  };
}
function knownMarks(id) {
  return store().measured.get(id);
}

// ui/viewer/marks.js
var DIGITS = 100;
function toldOf({ kind, ends, plane, text = "", window: look = null }) {
  const points = ends.map((point) => point.map((part) => Math.round(part * DIGITS) / DIGITS));
  return { kind, frame: plane + 1, points, text, window: look };
}
function toldMarks(frames) {
  const known = Object.entries(frames).filter(([, id]) => knownMarks(id));
  return Object.fromEntries(known.map(([image, id]) => [image, knownMarks(id).filter(complete).map(toldOf)]));
}

// ui/viewer/report.js
var LEAST_SECONDS = 1;
var MOST = 20;
var KEPT = ["image", "function", "centre", "width", "inverted", "diagnosis"];
var FORM = "[data-testid=stForm]";
var DECIDING = ".st-key-answers button, .st-key-decisions button";
function same(now) {
  return JSON.stringify(KEPT.map((name) => now[name]));
}
function createSeen(clock) {
  const seen = /* @__PURE__ */ new Map();
  let now = null;
  let since = 0;
  const count = () => {
    const at = clock();
    if (now) {
      const key = same(now);
      const one = seen.get(key) ?? { look: now, seconds: 0 };
      one.seconds += (at - since) / 1e3;
      seen.set(key, one);
    }
    since = at;
  };
  return {
    // null while the page is hidden, or there is no image.
    shows(look) {
      count();
      now = look;
    },
    report() {
      count();
      const told = [...seen.values()].filter(({ seconds }) => seconds >= LEAST_SECONDS).sort((one, other) => other.seconds - one.seconds).slice(0, MOST);
      return told.map(({ look, seconds }) => ({
        ...Object.fromEntries(KEPT.map((name) => [name, look[name]])),
        seconds: Math.round(seconds * 10) / 10
      }));
    }
  };
}
function follow({ visit, frames }) {
  const seen = createSeen(() => performance.now());
  let look = null;
  const following2 = { visit, page: () => {
  }, form: () => {
  } };
  const shows = () => seen.shows(document.hidden ? null : look);
  const unwatch = watchLook((next) => {
    look = next;
    shows();
  });
  const pressed = (event) => {
    const button = event.target.closest?.(DECIDING);
    if (!look || !button) return;
    const told = {
      visit,
      at: performance.now(),
      now: look,
      seen: seen.report(),
      marks: toldMarks(frames)
    };
    following2[button.closest(FORM) ? "form" : "page"]("view", told);
  };
  const marked = () => toldMarks(frames);
  window.triptychMarks = marked;
  document.addEventListener("click", pressed, { capture: true });
  document.addEventListener("visibilitychange", shows);
  following2.stop = () => {
    unwatch();
    if (window.triptychMarks === marked) delete window.triptychMarks;
    document.removeEventListener("click", pressed, { capture: true });
    document.removeEventListener("visibilitychange", shows);
  };
  return following2;
}
var following = null;
function report({ data, setStateValue }) {
  if (following?.visit !== data.visit) {
    following?.stop();
    following = follow(data);
  }
  following[data.place] = setStateValue;
  const mine = following;
  if (data.place === "form") return () => {
  };
  return () => {
    mine.stop();
    if (following === mine) following = null;
  };
}
export {
  createSeen,
  report as default
};
