// Buttons, window list and sliders around the images. They call `act(name, value)` and hold no
// state.

import { mark, put, say } from "./changes.js";
import { icon } from "./icons.js";
import { titleOf } from "./keys.js";
import { showsPreset } from "./view.js";

const KEPT = "Kept with your next decision or signature.";
const MARKS = ["length", "angle", "rectangle", "arrow", "text"];

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function button(face, title, act) {
  const made = element("button", "tool");
  made.type = "button";
  made.title = title;
  made.setAttribute("aria-label", title);
  made.append(face);
  made.addEventListener("click", act);
  return made;
}

function slider(label, title, act) {
  const made = element("label", "slider", label);
  const input = element("input");
  const number = element("output");
  Object.assign(input, { type: "range", min: 0, max: 100, step: 1, title });
  input.setAttribute("aria-label", title);
  input.addEventListener("input", () => act(Number(input.value)));
  made.append(input, number);
  return {
    made,
    show(value, enabled) {
      put(input, value);
      say(number, `${value}%`);
      input.disabled = !enabled;
      made.classList.toggle("off", !enabled);
    },
  };
}

function group(...children) {
  const made = element("div", "group");
  made.append(...children);
  return made;
}

function windowList(act) {
  const made = element("select", "windows");
  made.title = "Window (keys 1 to 9)";
  made.setAttribute("aria-label", made.title);
  made.addEventListener("change", () => {
    act("preset", Number(made.value));
    act("focus"); // back to the image, where the keys are
  });
  let filled = null;
  return {
    made,
    show(view, presets) {
      if (filled !== presets) {
        made.replaceChildren(...presets.map(({ label, key }, i) =>
          new Option(key ? `${key} ${label}` : label, i)), new Option("By hand", -1));
        made.options[presets.length].disabled = true;
        filled = presets;
      }
      put(made, presets.findIndex((preset) => showsPreset(view, preset)));
    },
  };
}

function pressed(made, on) {
  mark(made, "aria-pressed", Boolean(on));
}

function tools(act) {
  return {
    window: button(icon("window"), "Window and level by dragging (key Esc)", () => act("leave")),
    ...Object.fromEntries(MARKS.map((name) =>
      [name, button(icon(name), `${titleOf(name)}. ${KEPT}`, () => act(name))])),
  };
}

export function createToolbar(priorLabel, act) {
  const list = windowList(act);
  const tool = tools(act);
  const key = button(icon("key"), `${titleOf("key")}. ${KEPT}`, () => act("key"));
  const invert = button(icon("invert"), titleOf("invert"), () => act("invert"));
  const plain = (name) => button(name === "actual" ? "1:1" : icon(name), titleOf(name), () => act(name));
  const simple = ["fit", "full", "actual", "rotateLeft", "rotateRight", "reset"].map(plain);
  const flips = ["flipAcross", "flipDown"].map(plain);
  const overlay = button("Overlay", titleOf("overlay"), () => act("overlay"));
  const opacity = slider("Opacity", "Heat map opacity, percent", (v) => act("opacity", v));
  const threshold = slider("From", "Hide relevance below, percent of the strongest",
    (v) => act("threshold", v));
  const prior = button(icon("prior"), `${titleOf("prior")}: ${priorLabel}`, () => act("prior"));
  const link = button(icon("link"), titleOf("link"), () => act("link"));
  const help = button("?", titleOf("help"), () => act("help"));
  const top = element("div", "bar");
  top.append(list.made, group(...Object.values(tool), key), group(invert, ...simple));
  const bottom = element("div", "bar");
  bottom.append(group(overlay), group(opacity.made, threshold.made), element("span", "space"));
  bottom.append(group(...flips));
  if (priorLabel) bottom.append(group(prior, link));
  bottom.append(help);

  return {
    top, bottom,
    show({ view, presets, heat, active, tool: chosen, priorShown, linked, helpShown, isKey }) {
      list.show(active, presets);
      for (const [name, made] of Object.entries(tool)) pressed(made, name === chosen);
      pressed(key, isKey);
      pressed(invert, active.inverted);
      pressed(overlay, heat && view.overlay);
      overlay.disabled = !heat;
      opacity.show(view.opacity, heat && view.overlay);
      threshold.show(view.threshold, heat && view.overlay);
      pressed(prior, priorShown);
      pressed(link, linked);
      link.disabled = !priorShown;
      pressed(help, helpShown);
    },
  };
}
