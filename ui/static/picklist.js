// Shows prepared markup and reports which [data-pick] was chosen, by mouse or keyboard.
// The markup comes from ui/words/markup.py, where every text is escaped.

const PAGE = 20; // rows that Page Up and Page Down go

function choose(event, send) {
  const target = event.target.closest("[data-mark], [data-pick], [data-sort]");
  if (!target) return;
  event.preventDefault();
  if (target.dataset.mark) send("mark", target.dataset.mark);
  else if (target.dataset.sort) send("sort", target.dataset.sort);
  else send("pick", target.dataset.pick);
}

function press(event, root) {
  const at = event.target.closest("[data-pick]");
  const box = at?.querySelector("[data-mark]");
  if (event.key === " " && box) {
    event.preventDefault();
    root.send("mark", box.dataset.mark);
  } else if (event.key === "Enter" || event.key === " ") choose(event, root.send);
  else if (at) move(event, root, at);
}

function move(event, root, at) {
  const all = [...root.querySelectorAll("[data-pick]")];
  const here = all.indexOf(at);
  const next = {
    ArrowDown: here + 1, ArrowRight: here + 1, ArrowUp: here - 1, ArrowLeft: here - 1,
    PageDown: here + PAGE, PageUp: here - PAGE, Home: 0, End: all.length - 1,
  }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  all[Math.min(Math.max(next, 0), all.length - 1)].focus();
}

// The Tab key stops once in a list, where the reader was last.
function stay(event, root) {
  const at = event.target.closest("[data-pick]");
  if (!at) return;
  root.querySelectorAll('[data-pick][tabindex="0"]').forEach((other) => { other.tabIndex = -1; });
  at.tabIndex = 0;
}

function searchBox() {
  return document.querySelector(".st-key-search input");
}

// "/" goes to the search, and from there the arrow down to the first row.
function listen(event) {
  const root = document.querySelector(".picklist");
  const typing = event.target.closest("input, textarea, select, [contenteditable=true]");
  if (event.key === "/" && !typing && searchBox()) {
    event.preventDefault();
    searchBox().focus();
    searchBox().select();
  } else if (event.key === "ArrowDown" && event.target === searchBox()) {
    event.preventDefault();
    root?.querySelector("[data-pick]")?.focus();
  }
}

function make(parentElement) {
  const root = document.createElement("div");
  root.className = "picklist";
  parentElement.append(root);
  root.addEventListener("click", (event) => choose(event, root.send));
  root.addEventListener("keydown", (event) => press(event, root));
  root.addEventListener("focusin", (event) => stay(event, root));
  return root;
}

export default function picklist({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".picklist") ?? make(parentElement);
  root.send = setTriggerValue;
  // The same function each time would do, but every mount brings its own: one stays.
  document.removeEventListener("keydown", window.triptychListen);
  window.triptychListen = listen;
  document.addEventListener("keydown", listen);
  if (root.shown === data.html && root.subject === data.subject) return;
  const same = root.subject === data.subject;
  const focused = same && root.contains(document.activeElement)
    ? document.activeElement.dataset.pick : undefined;
  root.subject = data.subject;
  root.innerHTML = data.html;
  root.shown = data.html;
  if (focused === undefined) return;
  [...root.querySelectorAll("[data-pick]")].find((e) => e.dataset.pick === focused)?.focus();
}
