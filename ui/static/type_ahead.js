// Does what was asked for by a key or a click on a button: at once, or as soon as the page can take it.
//
// Streamlit hears a button only while it is there and enabled, and what is pressed while a run of the
// page is under way interrupts that run: it may reach what the run has drawn meanwhile. So what is
// pressed during a run waits here and is done after it, one for each run. What does something to a
// case is never carried over to another: it is dropped where it was pressed behind what moves on.
// While a form is open a single key is no command (form_focus.js leads it into the form).

const MOVES = "jknw";
const ACTS = "amxezs";
const OPENS = "mxes"; // what asks for more in a form
const SECRET = "s"; // in a field that shows nobody what is typed
const RUNS = ".stButton button, .stFormSubmitButton button"; // buttons of the page, not of the viewer
const CARDS = ".st-key-answers [data-pick]";
const ROWS = "tr[data-pick]";
const DECIDING = ".st-key-answers, .st-key-decisions";
const FORM = "[data-testid=stForm]";
const MOVERS = { back: "w", previous: "k", next: "j", "next-unread": "n" }; // by the key in Python
const LEAVERS = ["cancel", "cancel-sign"]; // of a form: what stands in it does not matter then
const OPENERS = { modify: "m", reject: "x", add: "e", sign: "s", amend: "r" };
const MOST = 12; // commands that wait
const DRAWN_MS = 700; // after a run, until its buttons are there
const STILL_PX = 8; // a pointer that went no further between down and up has clicked
const CLICK_MS = 50; // in which a click follows the pointer that goes up
const LOOK_MS = 15;

const waiting = [];
let free = null; // since when the page takes commands
let looking = 0;
let moved = false; // whether the run under way is one that moves on
let left = null; // what was on the screen when a command moved on, until something else is
let down = null; // where the pointer went down on a button, and what pressing it means

const runs = window.triptychRuns;
const forms = window.triptychForms;
const { busy } = runs;
const { subject } = forms; // what is on the screen
forms.moving = moving;

function goes(command) {
  runs.pressed();
  free = null;
  left = command.moves ? subject() : null;
  moved = Boolean(command.moves);
  if (left !== null) arriving();
  if (command.opens) forms.opened();
}

// Until the run that moves on has ended: parts of two cases may be on the screen.
function moving() {
  if (moved && !busy()) moved = false;
  return moved || leaving();
}

// Also where the move led nowhere.
function arrived() {
  if (left !== null && (left !== subject() || !busy())) left = null;
  return left === null;
}

// Notices that the screen has changed, also where nothing is pressed before it changes back.
function arriving() {
  if (!arrived()) window.setTimeout(arriving, LOOK_MS);
}

// Whether what comes next on the screen is another case than the one that is read.
function leaving() {
  return !arrived() || waiting.some(({ moves }) => moves);
}

// Also in a field of the viewer, of which the page sees only what it stands in.
function typing(event) {
  const [target] = event.composedPath();
  return target instanceof Element &&
    target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable=true]");
}

// The letter on a key: where the layout has no Latin ones, the one that would be there.
function letterOf({ key, code }) {
  if (key.length !== 1) return "";
  if (/\p{Script=Latin}/u.test(key) || !/\p{L}/u.test(key)) return key.toLowerCase();
  return /^Key[A-Z]$/.test(code) ? code.at(-1).toLowerCase() : "";
}

// The key as a button names it at its end, or "" if it is none of the page's.
function nameOf(event) {
  if (event.isComposing || event.keyCode === 229) return ""; // an input method is at work
  if (event.altKey || event.shiftKey) return "";
  if (event.ctrlKey || event.metaKey) return event.key === "Enter" ? "Enter" : "";
  const letter = letterOf(event);
  return letter && (MOVES + ACTS).includes(letter) && !typing(event) ? letter.toUpperCase() : "";
}

const PREFIX = "Shortcut ";
const MARK = `[aria-label^="${PREFIX}"]`;

function keyOf(button) {
  const shown = button?.querySelector(MARK)?.getAttribute("aria-label").slice(PREFIX.length) ?? "";
  return shown.split(" + ").at(-1); // without Ctrl, or ⌘ on a Mac
}

function buttonOf(name) {
  return [...document.querySelectorAll("button")].find((button) => keyOf(button) === name);
}

function commandOfKey(name) {
  const letter = name.length === 1 ? name.toLowerCase() : "";
  return { letter, on: subject(), find: () => buttonOf(name),
    moves: letter !== "" && MOVES.includes(letter),
    opens: letter !== "" && OPENS.includes(letter), secret: letter === SECRET };
}

// What Python calls the element that something stands in: the rest of its class st-key-.
function called(element) {
  const holder = element.closest("[class*=st-key-]");
  const name = [...holder?.classList ?? []].find((one) => one.startsWith("st-key-"));
  return name?.slice("st-key-".length) ?? "";
}

function commandOfButton(button) {
  const key = called(button);
  const again = () => document.getElementsByClassName(`st-key-${key}`)[0]?.querySelector("button");
  const letter = MOVERS[key] ?? OPENERS[key] ?? "";
  return { letter: "", on: subject(), find: key ? again : () => button,
    moves: key in MOVERS, opens: key in OPENERS, secret: letter === SECRET,
    leaves: LEAVERS.includes(key) };
}

function commandOfPick(picked) {
  const pick = picked.dataset.pick;
  const again = () => [...document.querySelectorAll("[data-pick]")].find((e) => e.dataset.pick === pick);
  return { letter: "", on: subject(), find: again, moves: picked.matches(ROWS) };
}

// What pressing something means, or null if it may be pressed at any time.
function commandOf(target) {
  const button = target?.closest?.(RUNS);
  if (button) return button.disabled ? null : commandOfButton(button);
  const picked = target?.closest?.(`${CARDS}, ${ROWS}`);
  return picked && !target.closest("[data-mark]") ? commandOfPick(picked) : null;
}

function next() {
  window.clearTimeout(looking);
  while (waiting.length && !runs.connected()) drop(); // the page says that the server is gone
  if (!waiting.length) return;
  const now = performance.now();
  free = busy() ? null : free ?? now;
  if (free !== null) {
    const { on, moves, letter, find, behind, stood } = waiting[0];
    const found = find();
    if ((on !== subject() && !moves) || (letter && forms.open())) drop();
    else if ((behind || stood) && forms.catching()) { /* what was typed goes into the form first */ }
    else if (found && stood && forms.differs(stood)) putBack(waiting[0]);
    else if (found && !found.disabled) press(waiting.shift(), found);
    else if (now - free > DRAWN_MS) drop();
  }
  if (waiting.length) looking = window.setTimeout(next, LOOK_MS);
}

// What stood in the form when it was sent is what is sent, also where it was drawn anew since.
function putBack(command) {
  if (command.tried) return drop();
  command.tried = true;
  return forms.restore(command.stood);
}

function drop() {
  if (waiting.shift().opens) forms.refused();
}

let pressing = null;

function press(command, element) {
  pressing = command;
  element.click(); // and `clicked`, below
  pressing = null;
}

function wait(command) {
  const opening = forms.catching() && command.letter; // the form has the word
  if (opening) return;
  if (waiting.length >= MOST || (leaving() && !command.moves)) {
    if (command.opens) forms.refused();
    return;
  }
  const behind = forms.catching();
  if (command.opens) forms.opens(command.secret);
  const sends = !behind && !command.leaves && command.find()?.closest(FORM);
  const stood = sends ? forms.stands() : null;
  waiting.push({ ...command, behind, stood });
  next();
}

function hold(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

// Part of a letter that is still being composed; Streamlit would go by its place on the keyboard.
function composing({ key, isComposing }) {
  return isComposing || ["Dead", "Process", "Unidentified"].includes(key);
}

function keyed(event) {
  if (composing(event) && !typing(event)) return hold(event);
  const name = nameOf(event);
  if (!name) return;
  // Nobody decides on, or leaves, a case in full screen, where its name and suggestions are not seen.
  if (document.fullscreenElement) return hold(event);
  // Not left to Streamlit, which hears it only some time after the button was drawn.
  hold(event);
  if (event.repeat && (busy() || waiting.length)) return;
  if (name.length === 1 && forms.hush()) return;
  const command = commandOfKey(name);
  // A form that was just sent may be gone when the key's turn comes; one that is open is meant.
  if (command.letter && forms.open() && !busy()) return;
  wait(command);
}

function clicked(event) {
  if (pressing) return goes(pressing);
  const target = lost(event) ?? event.target;
  const command = commandOf(target);
  if (!command) return undefined;
  // What was typed goes into the form first, or the form would be sent without it.
  const late = target !== event.target || busy() || waiting.length || forms.catching();
  if (leaving() && (command.moves ? target.closest?.(ROWS) : target.closest?.(DECIDING))) return hold(event);
  if (!late) {
    if (command.opens && !forms.open()) forms.opens(command.secret);
    return goes(command);
  }
  hold(event);
  return wait(command);
}

// A button that was drawn anew, or moved, while the pointer was down on it hears no click: the
// click goes to what is around it. It was meant all the same.
function lost({ target, clientX, clientY, isTrusted }) {
  const was = down;
  down = null;
  if (!was || !isTrusted || was.button.contains(target)) return null;
  const still = Math.hypot(clientX - was.x, clientY - was.y) <= STILL_PX;
  return still && was.subject === subject() ? was.find() ?? null : null;
}

// Nor does one that was taken away.
function lifted({ clientX, clientY, isTrusted }) {
  const was = down;
  window.setTimeout(() => {
    const target = was && down === was ? lost({ target: document.body, clientX, clientY, isTrusted }) : null;
    const command = commandOf(target);
    if (command && !leaving()) wait(command);
  }, CLICK_MS);
}

function pointed({ target, clientX, clientY, isPrimary, button }) {
  const command = isPrimary && button === 0 ? commandOf(target) : null;
  down = command && { button: target.closest(`${RUNS}, ${CARDS}, ${ROWS}`), x: clientX, y: clientY,
    subject: command.on, find: command.find };
}

window.addEventListener("popstate", () => goes({ moves: true }), { capture: true });
window.addEventListener("keydown", keyed, { capture: true });
// On the document, so that a click which something at the window has stopped is not taken for one that
// asked for a run: the click after it would wait for that run, or be dropped for it.
document.addEventListener("pointerdown", pointed, { capture: true });
document.addEventListener("click", clicked, { capture: true });
document.addEventListener("pointerup", lifted, { capture: true });
