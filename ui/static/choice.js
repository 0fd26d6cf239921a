// A choice of how the page is arranged, made by mouse, by arrow keys, or by one key from anywhere:
// what is beside the film, or which measurements are shown. It runs nothing on the server and is in no
// record; this browser remembers it for each reader.

const CHOSEN = "triptych-choice"; // the event that says so: { name, value }
const ASKED = "triptych-ask"; // the event that asks for one, or with "" for the one before

function typing({ target }) {
  return target instanceof Element &&
    target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable=true]");
}

function button(made, [value, label, title]) {
  const one = document.createElement("button");
  Object.assign(one, { type: "button", textContent: label, title });
  one.dataset.value = value;
  one.setAttribute("role", "radio");
  one.addEventListener("click", () => made.choose(value));
  return one;
}

function step(made, by) {
  const there = [...made.children];
  const at = there.findIndex(({ dataset }) => dataset.value === made.value);
  const next = there[(at + by + there.length) % there.length];
  if (next) made.choose(next.dataset.value);
  return next;
}

function arrow(made, event) {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  step(made, by)?.focus();
}

function show(made) {
  for (const one of made.children) {
    const on = one.dataset.value === made.value;
    one.setAttribute("aria-checked", String(on));
    one.tabIndex = on ? 0 : -1;
  }
  document.documentElement.dataset[made.told.name] = made.value;
  document.dispatchEvent(new CustomEvent(CHOSEN, { detail: { name: made.told.name, value: made.value } }));
}

function place({ name, reader }) {
  return `triptych-${name} ${reader}`;
}

// What is remembered stays so where a case does not have it.
function remembered(told) {
  const kept = window.localStorage.getItem(place(told));
  const there = told.options.map(([value]) => value);
  return there.includes(kept) ? kept : told.usual;
}

function make(parentElement) {
  const made = document.createElement("div");
  made.className = "choice";
  made.setAttribute("role", "radiogroup");
  made.addEventListener("keydown", (event) => arrow(made, event));
  made.choose = (value) => {
    if (value === made.value) return;
    made.before = made.value;
    made.value = value;
    window.localStorage.setItem(place(made.told), value);
    show(made);
  };
  parentElement.append(made);
  return made;
}

function keyed(made, event) {
  const { key, shiftKey, repeat } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event)) return;
  if (!made.told.key || key.toLowerCase() !== made.told.key || repeat || !made.children.length) return;
  event.preventDefault();
  step(made, shiftKey ? -1 : 1);
}

function asked(made, { detail: { name, value } }) {
  if (name !== made.told.name) return;
  const back = made.before && made.before !== made.value ? made.before : made.told.usual;
  const wanted = value || (back === made.value ? made.told.options[0][0] : back);
  if (made.told.options.some(([one]) => one === wanted)) made.choose(wanted);
}

function listen(made) {
  const heard = [["keydown", (event) => keyed(made, event)], [ASKED, (event) => asked(made, event)]];
  for (const [name, hear] of heard) document.addEventListener(name, hear);
  return () => heard.forEach(([name, hear]) => document.removeEventListener(name, hear));
}

// Runs again at every run of the page, on the same element; the returned function on removal.
export default function choice({ data, parentElement }) {
  const made = parentElement.querySelector(".choice") ?? make(parentElement);
  const shown = JSON.stringify(data);
  made.stop ??= listen(made);
  if (made.shown !== shown) {
    made.shown = shown;
    made.told = data;
    made.setAttribute("aria-label", data.label);
    made.replaceChildren(...data.options.map((option) => button(made, option)));
    made.value = remembered(data);
    made.before = undefined;
    show(made);
  }
  return () => {
    made.stop?.();
    made.stop = undefined;
  };
}
