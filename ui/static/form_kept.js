// Keeps what is typed into a field that is drawn anew meanwhile.
//
// A run of the page may take a field away and bring it back: the browser's Back and at once Forward, or
// something that stands above it from now on. The new field holds nothing of what was typed, and the
// keys that follow would be commands. form_focus.js takes them until the field is back.

const KEPT = "input:not([type=radio], [type=checkbox], [type=hidden], [role=combobox]), textarea";
const NAMED = "[class*=st-key-]";

let inHand = null; // the field that is written in, its name in Python, and what was on the screen

function written({ target, type }) {
  const holder = target.matches?.(KEPT) ? target.closest(NAMED) : null;
  const { called, subject, writtenIn } = window.triptychForms;
  inHand = holder && { field: target, name: called(holder), on: subject() };
  if (holder && type === "input") writtenIn(inHand.name);
}

// Whether it was left, or taken away, is seen only afterwards.
function leftField({ target }) {
  window.setTimeout(() => {
    if (inHand?.field === target && target.isConnected && document.activeElement !== target) inHand = null;
  });
}

// What is sent may take its form away.
function sentForm({ target }) {
  if (target.closest?.("[data-testid=stForm] button")) inHand = null;
}

function changedPage() {
  if (!inHand || inHand.field.isConnected) return;
  const gone = inHand;
  inHand = null;
  const free = document.activeElement === document.body;
  if (free && window.triptychRuns.busy() && !window.triptychForms.catching()) window.triptychForms.lost(gone);
}

for (const name of ["focusin", "input"]) document.addEventListener(name, written, { capture: true });
document.addEventListener("focusout", leftField, { capture: true });
// On the document, and after type_ahead.js (ui/host/shell.py): a click that it holds back sends nothing yet.
document.addEventListener("click", sentForm, { capture: true });
new window.MutationObserver(changedPage).observe(document, { childList: true, subtree: true });
