// Reports that keys, pointer or wheel were used: once when it happens, then at most every 30 s.
// It says that, and nothing else.

const EVERY = 30_000;
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "scroll"];

let last = performance.now();
let send = () => {};

function sign() {
  const now = performance.now();
  if (now - last < EVERY) return;
  last = now;
  send("beat", Math.round(now));
}

export default function heartbeat({ setTriggerValue }) {
  send = setTriggerValue;
  for (const name of SIGNS) document.addEventListener(name, sign, { capture: true, passive: true });
  return () => {
    for (const name of SIGNS) document.removeEventListener(name, sign, { capture: true });
  };
}
