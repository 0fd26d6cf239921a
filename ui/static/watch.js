// Tells the server when somebody is at work, says when the idle time is nearly over, and leaves for
// the sign-in page when the session has ended. One watch for each open page.

const SIGN_IN = "/sign-in";
const WARN_SECONDS = 60;
const SIGNS_OF_LIFE = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

function notice() {
  const made = document.createElement("div");
  made.className = "idle-notice";
  made.setAttribute("role", "alert");
  document.querySelector(".stApp").append(made);
  return made;
}

function tell(left) {
  const shown = document.querySelector(".idle-notice");
  if (left > WARN_SECONDS) {
    shown?.remove();
    return;
  }
  (shown ?? notice()).textContent =
    "You will be signed out within a minute. Move the mouse or press a key to stay.";
}

async function ask(watch) {
  const method = watch.active ? "POST" : "GET";
  watch.active = false;
  try {
    const answer = await fetch("/session", { method, cache: "no-store" });
    if (answer.status === 401) window.location.replace(SIGN_IN);
    else if (answer.ok && watch.warns) tell((await answer.json()).left);
  } catch {
    // The server cannot be reached; Streamlit says so, and the next turn asks again.
  }
}

function begin(everySeconds, warns) {
  const watch = { active: false, warns };
  const alive = () => {
    watch.active = true;
    if (document.querySelector(".idle-notice")) ask(watch);
  };
  for (const sign of SIGNS_OF_LIFE) {
    document.addEventListener(sign, alive, { passive: true, capture: true });
  }
  window.setInterval(() => ask(watch), everySeconds * 1000);
}

export default function watch({ data }) {
  if (data.over) {
    window.location.replace(SIGN_IN);
  } else if (!document.documentElement.dataset.watched) {
    document.documentElement.dataset.watched = "yes";
    begin(data.every, data.warns);
  }
}
