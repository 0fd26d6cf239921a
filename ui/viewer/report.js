// Tells the server what is on the screen when a button is pressed that may decide something. It goes
// with the message of that click, so that looking, dragging and zooming send nothing, and no click
// waits: Streamlit sends what changed in one turn as one message, but for a form, which sends what is
// in it at once; hence one report stands in each form and one beside all.

import { toldMarks } from "./marks.js";
import { watchLook } from "./registry.js";

const LEAST_SECONDS = 1; // that a look has to stay to be told of
const MOST = 20; // looks told of, the longest
const KEPT = ["image", "function", "centre", "width", "inverted", "diagnosis"];
const FORM = "[data-testid=stForm]";
const DECIDING = ".st-key-answers button, .st-key-decisions button";

function same(now) {
  return JSON.stringify(KEPT.map((name) => now[name]));
}

// Looks of one visit to a case and for how long each was on the screen.
export function createSeen(clock) {
  const seen = new Map();
  let now = null;
  let since = 0;
  const count = () => {
    const at = clock();
    if (now) {
      const key = same(now);
      const one = seen.get(key) ?? { look: now, seconds: 0 };
      one.seconds += (at - since) / 1000;
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
      const told = [...seen.values()].filter(({ seconds }) => seconds >= LEAST_SECONDS)
        .sort((one, other) => other.seconds - one.seconds).slice(0, MOST);
      return told.map(({ look, seconds }) => ({
        ...Object.fromEntries(KEPT.map((name) => [name, look[name]])),
        seconds: Math.round(seconds * 10) / 10,
      }));
    },
  };
}

function follow({ visit, frames }) {
  const seen = createSeen(() => performance.now());
  let look = null;
  const following = { visit, page: () => {}, form: () => {} };
  const shows = () => seen.shows(document.hidden ? null : look);
  const unwatch = watchLook((next) => {
    look = next;
    shows();
  });
  const pressed = (event) => {
    const button = event.target.closest?.(DECIDING);
    if (!look || !button) return;
    const told = { visit, at: performance.now(), now: look, seen: seen.report(),
      marks: toldMarks(frames) };
    following[button.closest(FORM) ? "form" : "page"]("view", told);
  };
  const marked = () => toldMarks(frames);
  window.triptychMarks = marked; // ui/static/drafts.js asks for them
  document.addEventListener("click", pressed, { capture: true });
  document.addEventListener("visibilitychange", shows);
  following.stop = () => {
    unwatch();
    if (window.triptychMarks === marked) delete window.triptychMarks;
    document.removeEventListener("click", pressed, { capture: true });
    document.removeEventListener("visibilitychange", shows);
  };
  return following;
}

let following = null;

export default function report({ data, setStateValue }) {
  if (following?.visit !== data.visit) {
    following?.stop();
    following = follow(data);
  }
  following[data.place] = setStateValue;
  const mine = following;
  if (data.place === "form") return () => {};
  return () => {
    mine.stop();
    if (following === mine) following = null;
  };
}
