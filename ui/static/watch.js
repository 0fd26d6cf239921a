// Part of the shell where people sign in: tells the server when somebody is at work, says when the
// idle time is nearly over, and leaves for the sign-in page when the session has ended.

const SIGN_IN = "/sign-in";
const LONGEST_SECONDS = 15; // between two questions to the server
const WARN_SECONDS = 60;
const SIGNS_OF_LIFE = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

let active = false;

function leave() {
  window.location.replace(SIGN_IN);
}

function notice() {
  const made = document.createElement("div");
  made.className = "idle-notice";
  made.setAttribute("role", "alert");
  document.body.append(made);
  return made;
}

function tell({ left, idle }) {
  const shown = document.querySelector(".idle-notice");
  if (left > WARN_SECONDS || idle < 3 * WARN_SECONDS) {
    shown?.remove();
    return;
  }
  (shown ?? notice()).textContent =
    "You will be signed out within a minute. Move the mouse or press a key to stay.";
}

async function ask() {
  const method = active ? "POST" : "GET";
  active = false;
  let seconds = LONGEST_SECONDS;
  try {
    const answer = await fetch("/session", { method, cache: "no-store" });
    if (answer.status === 401) {
      leave();
      return undefined;
    }
    const state = await answer.json();
    tell(state);
    seconds = Math.min(LONGEST_SECONDS, state.idle / 4);
  } catch {
    // The server cannot be reached; Streamlit says so, and the next turn asks again.
  }
  return seconds;
}

async function watch() {
  const seconds = await ask();
  if (seconds !== undefined) window.setTimeout(watch, seconds * 1000);
}

for (const sign of SIGNS_OF_LIFE) {
  const alive = () => {
    const first = !active;
    active = true;
    if (first && document.querySelector(".idle-notice")) ask();
  };
  document.addEventListener(sign, alive, { passive: true, capture: true });
}

window.setInterval(() => {
  if (document.querySelector(".signed-out")) leave();
}, 300);
watch();
