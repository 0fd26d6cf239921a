// Tells the server what stands in a form that is open and not sent yet, so that a reload loses nothing.
// It asks for no run of the page. A password is never told.

const DRAFT = "/draft";
const PAUSE_MS = 250;
const DRAFTED = ".st-key-reasons [data-testid=stForm]";
const WRITTEN = "input:not([type=password], [type=radio], [type=checkbox]), textarea";

let sentDraft = "";
let soon = 0;

function fieldsOf(place) {
  const found = {};
  for (const holder of place.querySelectorAll("[class*=st-key-]")) {
    const name = [...holder.classList].find((one) => one.startsWith("st-key-")).slice("st-key-".length);
    const field = holder.querySelector(WRITTEN);
    const chosen = holder.querySelector("[role=radio][aria-checked=true]");
    const text = field?.value ?? chosen?.innerText ?? "";
    if (text) found[name] = text;
  }
  return found;
}

function draft() {
  window.clearTimeout(soon);
  // On the way to another case the form of one may stand beside the visit of the next.
  if (window.triptychForms?.moving()) return changed();
  const place = document.querySelector(DRAFTED);
  const visit = document.querySelector("[data-visit]")?.dataset.visit;
  if (!place) sentDraft = ""; // the server forgets it, too
  if (!place || !visit) return;
  const body = JSON.stringify({ visit, fields: fieldsOf(place) });
  if (body === sentDraft) return;
  sentDraft = body;
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

// A choice from a list is no input, and the list does not stand in the form.
for (const name of ["input", "keyup", "focusout"]) {
  document.addEventListener(name, changed, { capture: true, passive: true });
}
// What may lead away from the form: it is gone before the pause is over. This file hears of it before
// type_ahead.js does (ui/host/shell.py), so that the move has not begun.
for (const name of ["pointerdown", "click"]) {
  document.addEventListener(name, left, { capture: true, passive: true });
}
for (const name of ["pagehide", "popstate"]) window.addEventListener(name, draft, { capture: true });
