// A clause of a sentence about a suggestion leads to its evidence: a row, a sentence of a note, a place
// on the film, a part of the tracing. What is meant is brought into sight and lit up until the same
// clause, or another one, is pressed. It runs nothing on the server and is in no record.

const CLAUSE = ".clause[data-evidence]";
const PLACES = "[data-at]";
const FILM = ".st-key-film";
const LIT = "lit";
const MEANT = "triptych-evidence"; // the event that says where to look; null where nowhere any more

let pressed = null;

function numbers(text) {
  return text ? text.split(",").map(Number) : null;
}

function meant({ film, box, tracing, lead, seconds }) {
  return { film: film ?? null, box: numbers(box), tracing: tracing ?? null, lead: lead ?? "",
    seconds: numbers(seconds) };
}

function tell(detail) {
  document.dispatchEvent(new CustomEvent(MEANT, { detail }));
}

function dim() {
  document.querySelectorAll(`.${LIT}`).forEach((place) => place.classList.remove(LIT));
  document.querySelectorAll(`${CLAUSE}[aria-pressed=true]`)
    .forEach((clause) => clause.setAttribute("aria-pressed", "false"));
  pressed = null;
}

function light(clause) {
  pressed = clause;
  clause.setAttribute("aria-pressed", "true");
  const { film, box, evidence } = clause.dataset;
  const places = film ? [...document.querySelectorAll(FILM)]
    : [...document.querySelectorAll(PLACES)].filter(({ dataset }) => dataset.at === evidence);
  if (!box) places.forEach((place) => place.classList.add(LIT));
  places[0]?.scrollIntoView({ block: "nearest" });
  tell(meant(clause.dataset));
}

function press(event) {
  const clause = event.target.closest?.(CLAUSE);
  if (!clause) return;
  event.preventDefault();
  const again = clause === pressed && clause.getAttribute("aria-pressed") === "true";
  dim();
  if (again) tell(null);
  else light(clause);
}

document.addEventListener("click", press);
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" || event.key === " ") press(event);
});

// Another suggestion, or another case, has sentences of its own: nothing stays lit of the one before.
new MutationObserver(() => {
  if (!pressed || pressed.isConnected) return;
  dim();
  tell(null);
}).observe(document.documentElement, { childList: true, subtree: true });
