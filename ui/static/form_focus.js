// Leads into the form that a key or a click opens: the focus, and what is typed until it is there.
//
// The form comes with the next run of the page. What is typed before goes into a field of our own,
// where the browser composes it as anywhere (dead keys, input methods), and from there into the form.

const FORM = ".st-key-reasons [data-testid=stForm]";
const FIELD = "input:not([type=radio], [type=checkbox], [type=hidden]), textarea";
const START = ".signing"; // what is read first where a form has no field
const GIVE_UP_MS = 1500; // after the page came to rest without the form
const SCROLLED_FRAMES = 2; // until the page has heard that it has scrolled
const TAKEN_FRAMES = 6; // until the form has taken in what was written
const BARE_MS = 500; // at rest, until a form without a field is taken for one that has none
const HUSH_MS = 1000; // between keys that are still meant for a form that did not come

let catcher = null; // our own field, while a form is on its way
let came = null; // since when the page is at rest after the press that asks for the form
let asked = false; // whether that press has been done
let entering = false; // while the form is brought into view, and what was typed is written into it
let hushed = -Infinity; // when the last key came that was meant for a form that did not come

function form() {
  return document.querySelector(FORM);
}

// Not before the run that the press asks for: a busy server begins it late.
function atRest() {
  return !window.triptychRuns.busy();
}

function take(secret) {
  catcher?.remove();
  catcher = document.createElement("input");
  catcher.type = secret ? "password" : "text";
  catcher.className = "unseen";
  catcher.autocomplete = "off";
  catcher.setAttribute("aria-label", "The form opens");
  catcher.keys = [];
  catcher.addEventListener("keydown", held);
  document.body.append(catcher);
  catcher.focus({ preventScroll: true });
}

function composing() {
  return catcher.matches(":focus") && catcher.composing;
}

// Keys that write nothing wait with what was written before them.
function held(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape") return done();
  if (!["Enter", "Tab", "ArrowDown", "ArrowUp"].includes(event.key)) return;
  event.preventDefault();
  event.stopPropagation();
  catcher.keys.push({ text: catcher.value, key: event.key });
  catcher.value = "";
}

function done() {
  catcher?.remove();
  catcher = null;
  came = null;
  asked = false;
}

// What goes on being typed is a password or a comment, and no command.
function refused() {
  done();
  hushed = performance.now();
}

function hush() {
  if (performance.now() - hushed > HUSH_MS) return false;
  hushed = performance.now();
  return true;
}

function insert(text) {
  if (text) document.execCommand("insertText", false, text); // as if typed: the field hears of it
}

function frame() {
  return new Promise((drawn) => { window.requestAnimationFrame(() => window.setTimeout(drawn)); });
}

async function repeat({ text, key }) {
  insert(text);
  await frame();
  const at = document.activeElement;
  if (key !== "Tab") {
    at.dispatchEvent(new KeyboardEvent("keydown", { key, code: key, bubbles: true, cancelable: true }));
  } else {
    const stops = [...form()?.querySelectorAll(`${FIELD}, button:not([tabindex="-1"])`) ?? []];
    stops[stops.indexOf(at) + 1]?.focus();
  }
  await frame();
}

// A list that opens while the page still scrolls to its field closes again.
async function bring(place) {
  (place.querySelector(FIELD) ?? place).scrollIntoView({ block: "nearest" });
  for (let frames = 0; frames < SCROLLED_FRAMES; frames += 1) await frame();
}

async function enter(place) {
  const mine = catcher;
  entering = true;
  await bring(place);
  if (catcher === mine && place.isConnected && !composing()) await write(place);
  entering = false;
}

async function write(place) {
  const { keys, value } = catcher;
  const field = place.querySelector(FIELD);
  const start = field ?? place.querySelector(START);
  const taken = place.contains(document.activeElement) ? document.activeElement : null;
  const nothing = !keys.length && !value;
  done();
  if (taken && nothing) return; // the reader has gone into the form already, and writes there
  if (!field && start) start.tabIndex = -1;
  (start ?? place.querySelector("button"))?.focus({ preventScroll: true });
  if (!field || nothing) return;
  for (const one of keys) await repeat(one);
  insert(value);
  taken?.focus({ preventScroll: true });
  // Streamlit takes the value in after React has drawn it; a click before that would send the old one.
  for (let frames = 0; frames < TAKEN_FRAMES; frames += 1) await frame();
}

// Streamlit says that the run has ended before all of the form is drawn.
function complete(place) {
  return place.querySelector(FIELD) !== null || performance.now() - came > BARE_MS;
}

function look() {
  if (!catcher) return;
  const place = form();
  if (asked && atRest()) {
    came ??= performance.now();
    if (entering) came = performance.now();
    else if (place && !composing() && complete(place)) enter(place);
    else if (performance.now() - came > GIVE_UP_MS) refused();
  } else came = null;
  if (catcher) window.setTimeout(look, 15);
}

window.triptychForms = {
  moving: () => false, // type_ahead.js knows better
  open: () => form() !== null,
  catching: () => catcher !== null || entering,
  // A press that opens a form waits for its turn: from now on keys are for the form.
  opens(secret) {
    take(secret);
    for (const [name, on] of [["compositionstart", true], ["compositionend", false]]) {
      catcher.addEventListener(name, ({ target }) => { target.composing = on; });
    }
    asked = false;
    came = null;
    look();
  },
  opened() {
    asked = true;
  },
  refused,
  hush,
};
