// Reports that keys, pointer or wheel were used: soon after it happens, then at most every 30 s.
// It says that, and nothing else.
//
// Streamlit sends what changed in one turn as one message, and runs for it one fragment of the page:
// a report in the turn of a click would take the place of what the click asks for. So it waits until
// nothing has been pressed for a second.

const EVERY = 30_000;
const QUIET = 1000;
const PRESSES = ["keydown", "pointerdown"];
const SIGNS = [...PRESSES, "pointermove", "wheel", "scroll"];

let last = performance.now();
let pressed = -Infinity;
let waiting = 0;
let send = () => {};

function report() {
  const now = performance.now();
  const left = pressed + QUIET - now;
  waiting = left > 0 ? setTimeout(report, left) : 0;
  if (waiting) return;
  last = now;
  send("beat", Math.round(now));
}

function sign({ type }) {
  const now = performance.now();
  if (PRESSES.includes(type)) pressed = now;
  if (!waiting && now - last >= EVERY) waiting = setTimeout(report, QUIET);
}

export default function heartbeat({ setTriggerValue }) {
  send = setTriggerValue;
  for (const name of SIGNS) document.addEventListener(name, sign, { capture: true, passive: true });
  return () => {
    for (const name of SIGNS) document.removeEventListener(name, sign, { capture: true });
    clearTimeout(waiting);
    waiting = 0;
  };
}
