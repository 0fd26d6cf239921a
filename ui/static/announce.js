// Says to a screen reader what changed on the screen, and gives the focus a place when a form goes.

const HEADING = ".masthead h1";
const STANDING = ".st-key-decision .standing b, .st-key-decision .standing .chip, .st-key-closed .chip";
const ADDRESSED = / (by you|yet)$/; // words that are for the eye beside a button
const OPEN_FORM = ".st-key-reasons [data-testid=stForm]";
const PLACES = ".st-key-decision button, .st-key-closed button";
const LOOKS = 20; // after a run, until what it sent is drawn
const EVERY_MS = 100;

let spoken = "";
let hadForm = false;
let looks = 0;
let begunBy = ""; // what Python calls the button that opened the form

const region = document.createElement("div");
region.className = "unseen";
region.setAttribute("role", "status");
region.setAttribute("aria-live", "polite");

function onScreen() {
  const parts = [...document.querySelectorAll(`${HEADING}, ${STANDING}`)];
  return parts.map((part) => part.textContent.trim().replace(ADDRESSED, "")).join(", ");
}

function announce() {
  const now = onScreen();
  if (now && now !== spoken) region.textContent = now;
  spoken = now;
}

// Back to where the form was opened, or next to it.
function refocus() {
  const open = document.querySelector(OPEN_FORM) !== null;
  if (hadForm && !open && document.activeElement === document.body) {
    const all = [...document.querySelectorAll(PLACES)].filter((button) => !button.disabled);
    (all.find((button) => button.closest(`.st-key-${begunBy}`)) ?? all[0])?.focus({ preventScroll: true });
  }
  hadForm = open;
}

function lookAgain() {
  looks -= 1;
  announce();
  refocus();
  if (looks > 0) window.setTimeout(lookAgain, EVERY_MS);
}

function ended() {
  const idle = looks <= 0;
  looks = LOOKS;
  if (idle) window.setTimeout(lookAgain, EVERY_MS);
}

document.addEventListener("triptychrested", ended);
document.addEventListener("DOMContentLoaded", () => document.body.append(region));
document.addEventListener("click", ({ target }) => {
  const holder = target.closest?.(".st-key-decision [class*=st-key-], .st-key-closed [class*=st-key-]");
  const name = [...holder?.classList ?? []].find((one) => one.startsWith("st-key-"));
  if (name && target.closest("button")) begunBy = name.slice("st-key-".length);
}, { capture: true });
