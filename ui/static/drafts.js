// Tells the server what stands in a form that is open and not sent yet, in a field beside it (a note, a
// comment), what is marked on the film, and what stands in the field of Add a case that is being typed in,
// so that a reload loses nothing.
// It asks for no run of the page. A password is never told.

const DRAFT = "/draft";
const PAUSE_MS = 250;
const DRAFTED = ".st-key-reasons [data-testid=stForm]";
const WRITTEN = "input:not([type=password], [type=radio], [type=checkbox]), textarea";
// What Python calls the fields beside the form, before the name of the case.
const BESIDE = ["note", "adjudicate-comment", "first-read-code"];
const ENTRY = "add-"; // before the names of the fields of Add a case
const LONGEST = 50_000; // characters; a browser sends little once the page is going

let sentDraft = "";
let soon = 0;
let besideTold = false;
let marksTold = false;

// What Python calls the element: the rest of its class st-key-.
function keyOf(holder) {
  return [...holder.classList].find((one) => one.startsWith("st-key-")).slice("st-key-".length);
}

function fieldsOf(place) {
  const found = {};
  for (const holder of place?.querySelectorAll("[class*=st-key-]") ?? []) {
    const field = holder.querySelector(WRITTEN);
    const chosen = holder.querySelector("[role=radio][aria-checked=true]");
    const text = field?.value ?? chosen?.innerText ?? "";
    if (text) found[keyOf(holder)] = text;
  }
  return found;
}

function fieldsBeside() {
  const found = {};
  for (const name of BESIDE) {
    const text = document.querySelector(`[class*="st-key-${name}-"] :is(${WRITTEN})`)?.value;
    if (text) found[name] = text;
  }
  return found;
}

// On a case: the form and what is beside it. Where one is added: the field in hand, as all others
// have been sent when they were left.
function stands() {
  const visit = document.querySelector("[data-visit]")?.dataset.visit;
  if (visit) {
    const place = document.querySelector(DRAFTED), beside = fieldsBeside();
    const marks = window.triptychMarks?.() ?? {}; // ui/viewer/report.js
    const marked = marksTold || Object.values(marks).some(({ length }) => length);
    // A form that is closed the server forgets, too; what is beside one only when it is told.
    const some = Object.keys(beside).length > 0 || besideTold || place || marked;
    return some ? { visit, fields: fieldsOf(place), beside, ...(marked && { marks }) } : null;
  }
  const entry = document.querySelector("[data-entry]")?.dataset.entry;
  const field = document.activeElement;
  const holder = entry && field?.matches(WRITTEN) && field.closest(`[class*=st-key-${ENTRY}]`);
  return holder ? { entry, fields: { [keyOf(holder)]: field.value } } : null;
}

function draft() {
  window.clearTimeout(soon);
  // On the way to another case the form of one may stand beside the visit of the next.
  if (window.triptychForms?.moving()) return changed();
  const now = stands(), body = JSON.stringify(now);
  if (!now) sentDraft = "";
  if (!now || body === sentDraft || body.length > LONGEST) return;
  sentDraft = body;
  besideTold = Object.keys(now.beside ?? {}).length > 0;
  marksTold = "marks" in now;
  window.fetch(DRAFT, { method: "POST", body, keepalive: true }).catch(() => { sentDraft = ""; });
}

function left() {
  draft();
  changed();
}

function changed() {
  window.clearTimeout(soon);
  soon = window.setTimeout(draft, PAUSE_MS);
}

// A run of the page may have put down since what it knew of the field.
function gone() {
  sentDraft = "";
  draft();
}

// A choice from a list is no input, and the list does not stand in the form.
for (const name of ["input", "keyup", "focusout", "pointerup"]) {
  document.addEventListener(name, changed, { capture: true, passive: true });
}
// What may lead away from the form: it is gone before the pause is over. This file hears of it before
// type_ahead.js does (ui/host/shell.py), so that the move has not begun.
for (const name of ["pointerdown", "click"]) {
  document.addEventListener(name, left, { capture: true, passive: true });
}
for (const name of ["pagehide", "popstate"]) window.addEventListener(name, gone, { capture: true });
