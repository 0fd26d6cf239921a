// Tells the server that keys, pointer or wheel were used on an open case: at once, then at most every
// 30 s. It is a request of its own and asks for no run of the page, so it takes the place of no click.

const ALIVE = "/alive";
const EVERY = 30_000;
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "scroll"];

let last = window.performance.now();

function told() {
  const now = window.performance.now();
  const visit = document.querySelector("[data-visit]")?.dataset.visit;
  if (!visit || now - last < EVERY) return;
  last = now;
  // Whoever is not heard says it again; Streamlit says when the server is gone.
  window.fetch(ALIVE, { method: "POST", body: JSON.stringify({ visit }), keepalive: true }).catch(() => {});
}

for (const name of SIGNS) document.addEventListener(name, told, { capture: true, passive: true });
