// Keeps the list of a field open while the reader types in it, though the page around it scrolls.
//
// Streamlit closes a list at any scroll, as its place would no longer be right. But a page that is
// still being laid out, or brings its field into view, scrolls too: what was typed stood there without
// its choices, and Enter chose nothing. Only the reader closes it; otherwise it is put right.

const FIELD = "[role=combobox]";

let typed = null; // the field that the reader typed in last, and did nothing else since

function written({ target }) {
  typed = target.matches?.(FIELD) ? target : null;
}

// A letter goes on with the search; any other key, a pointer and a wheel are the reader's own choice.
function chose({ key }) {
  if (key?.length !== 1) typed = null;
}

function scrolled(event) {
  if (document.activeElement !== typed || !event.target.contains(typed)) return;
  event.stopImmediatePropagation();
  window.dispatchEvent(new Event("resize")); // after which a list takes its place anew, and stays open
}

window.addEventListener("input", written, { capture: true, passive: true });
for (const name of ["keydown", "pointerdown", "wheel"]) {
  window.addEventListener(name, chose, { capture: true, passive: true });
}
window.addEventListener("scroll", scrolled, { capture: true });
