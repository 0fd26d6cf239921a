// Leads into the form that a key or a click opens: the focus, and what is typed until it is there.
// And back into a field that a run of the page draws anew while it is written in (form_kept.js).
//
// The form comes with the next run of the page. What is typed before goes into a field of our own,
// where the browser composes it as anywhere (dead keys, input methods), and from there into the form.

const FORM = ".st-key-reasons [data-testid=stForm]";
const FIELD = "input:not([type=radio], [type=checkbox], [type=hidden]), textarea";
const WRITTEN = "input:not([type=radio], [type=checkbox], [type=hidden], [role=combobox]), textarea";
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
  for (const [name, on] of [["compositionstart", true], ["compositionend", false]]) {
    catcher.addEventListener(name, ({ target }) => { target.composing = on; });
  }
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

// The field of that name in Python, or null while it is not there.
function fieldOf(name) {
  return document.getElementsByClassName(`st-key-${name}`)[0]?.querySelector(FIELD) ?? null;
}

// What is written into: the form that opens, or what holds the field that is drawn anew.
function destination() {
  return catcher.into ? fieldOf(catcher.into)?.closest("[class*=st-key-]") ?? null : form();
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

// As if typed, instead of what stands there.
function replace(field, text) {
  field.focus({ preventScroll: true });
  field.select();
  if (text) insert(text);
  else if (field.value) document.execCommand("delete");
}

async function repeat({ text, key }) {
  insert(text);
  await frame();
  const at = document.activeElement;
  if (key !== "Tab") {
    at.dispatchEvent(new KeyboardEvent("keydown", { key, code: key, bubbles: true, cancelable: true }));
  } else {
    const place = at.closest("[data-testid=stForm], .stMain");
    const stops = [...place?.querySelectorAll(`${FIELD}, button:not([tabindex="-1"])`) ?? []];
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
  if (catcher === mine && place.isConnected && !composing()) await (mine.into ? resume : write)(place);
  entering = false;
}

async function taken() {
  // Streamlit takes the value in after React has drawn it; a click before that would send the old one.
  for (let frames = 0; frames < TAKEN_FRAMES; frames += 1) await frame();
}

// Goes on writing where the field was before it was drawn anew.
async function resume(place) {
  const { keys, value, selectionStart, selectionEnd } = catcher;
  const elsewhere = catcher.matches(":focus") ? null : document.activeElement;
  const field = place.querySelector(FIELD);
  done();
  const [first, ...others] = keys;
  if ((first?.text ?? value) !== field.value) replace(field, first?.text ?? value);
  else field.focus({ preventScroll: true });
  if (!first && field.selectionStart !== null) field.setSelectionRange(selectionStart, selectionEnd);
  if (first) {
    for (const one of [{ ...first, text: "" }, ...others]) await repeat(one);
    insert(value);
  }
  if (elsewhere?.isConnected && elsewhere !== document.body) elsewhere.focus({ preventScroll: true });
  await taken();
}

async function write(place) {
  const { keys, value } = catcher;
  const field = place.querySelector(FIELD);
  const start = field ?? place.querySelector(START);
  const within = place.contains(document.activeElement) ? document.activeElement : null;
  const nothing = !keys.length && !value;
  done();
  if (within && nothing) return; // the reader has gone into the form already, and writes there
  if (!field && start) start.tabIndex = -1;
  (start ?? place.querySelector("button"))?.focus({ preventScroll: true });
  if (!field || nothing) return;
  for (const one of keys) await repeat(one);
  insert(value);
  within?.focus({ preventScroll: true });
  await taken();
}

// What stands in the fields of the open form: [name in Python, value] of each.
function stands() {
  return [...form()?.querySelectorAll("[class*=st-key-]") ?? []]
    .map((holder) => [calledIn(holder), holder.querySelector(WRITTEN)?.value])
    .filter(([, value]) => value !== undefined);
}

function calledIn(holder) {
  return [...holder.classList].find((one) => one.startsWith("st-key-")).slice("st-key-".length);
}

function differs(stood) {
  return stood.some(([name, value]) => fieldOf(name)?.value !== value);
}

// Puts back what stood in a form that was drawn anew.
async function restore(stood) {
  entering = true;
  for (const [name, value] of stood) {
    const field = fieldOf(name);
    if (field && field.value !== value) replace(field, value);
  }
  await taken();
  entering = false;
}

// Streamlit says that the run has ended before all of the form is drawn.
function complete(place) {
  return place.querySelector(FIELD) !== null || performance.now() - came > BARE_MS;
}

// A field that was drawn anew is not awaited on another case.
function givesUp() {
  const quiet = performance.now() - came;
  return catcher.into ? catcher.on !== subject() || quiet > BARE_MS : quiet > GIVE_UP_MS;
}

// What is on the screen.
function subject() {
  return document.querySelector(".masthead h1")?.textContent ?? "";
}

// Where nothing was typed since, the next key is a command.
function giveUp() {
  if (catcher.into && !catcher.keys.length && catcher.value === catcher.stood) done();
  else refused();
}

function look() {
  if (!catcher) return;
  const place = destination();
  if (asked && atRest()) {
    came ??= performance.now();
    if (entering) came = performance.now();
    else if (place && !composing() && complete(place)) enter(place);
    else if (givesUp()) giveUp();
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
    asked = false;
    came = null;
    look();
  },
  // A field was taken away while somebody wrote in it: until it is back, keys are for it.
  lost({ field, name, on }) {
    take(field.type === "password");
    Object.assign(catcher, { into: name, on, value: field.value, stood: field.value });
    if (field.selectionStart !== null) catcher.setSelectionRange(field.selectionStart, field.selectionEnd);
    asked = true;
    came = null;
    look();
  },
  // Who has gone into the new field and writes there is not overtaken by what the old one had.
  writtenIn(name) {
    if (catcher?.into === name) done();
  },
  stands,
  differs,
  restore,
  called: calledIn,
  subject,
  opened() {
    asked = true;
  },
  refused,
  hush,
};
