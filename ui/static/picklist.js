// Shows prepared markup and reports which [data-pick] was chosen, by mouse or keyboard.
// The markup comes from ui/markup.py, where every text is escaped.

function choose(event, send) {
  const target = event.target.closest("[data-pick], [data-sort]");
  if (!target) return;
  event.preventDefault();
  if (target.dataset.sort) send("sort", target.dataset.sort);
  else send("pick", target.dataset.pick);
}

function move(event, root) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const at = event.target.closest("[data-pick]");
  if (!step || !at) return;
  const all = [...root.querySelectorAll("[data-pick]")];
  all[all.indexOf(at) + step]?.focus();
  event.preventDefault();
}

function make(parentElement) {
  const root = document.createElement("div");
  root.className = "picklist";
  parentElement.append(root);
  root.addEventListener("click", (event) => choose(event, root.send));
  root.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") choose(event, root.send);
    else move(event, root);
  });
  return root;
}

export default function picklist({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".picklist") ?? make(parentElement);
  root.send = setTriggerValue;
  if (root.shown === data.html && root.subject === data.subject) return;
  const same = root.subject === data.subject;
  const focused = same && root.contains(document.activeElement)
    ? document.activeElement.dataset.pick : undefined;
  if (!same) document.querySelector(".stMain")?.scrollTo(0, 0);
  root.subject = data.subject;
  root.innerHTML = data.html;
  root.shown = data.html;
  if (focused === undefined) return;
  [...root.querySelectorAll("[data-pick]")].find((e) => e.dataset.pick === focused)?.focus();
}
