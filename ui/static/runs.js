// Knows whether a run of the page is under way, from what goes over Streamlit's own connection.
//
// What Streamlit writes into the document is no witness: on a busy machine the beginning and the end of
// a run are drawn in one go, and nothing changes there. On the wire every run has a request, a new
// session and an end. What is read of a message is the number of its field (tests/ui/host/test_runs.py
// holds them against Streamlit's own description).

const RERUN = 11; // of BackMsg: rerun_script
const NEW_SESSION = 4; // of ForwardMsg
const FINISHED = 6; // of ForwardMsg: script_finished
const FOR_ANOTHER = 2; // its value FINISHED_EARLY_FOR_RERUN: the next run of the same request follows
const ASKS_MS = 300; // after a press, until it is taken for one that asks for no run
const LOST_MS = 60_000; // after a request, until it is taken for one that the server never got
const DRAWN_FRAMES = 3; // after the end of a run, until what it sent is drawn
const HIDDEN_MS = 100; // for a frame of a page that is not in front
const RESTED = "triptychrested"; // told to the document when a run has ended and is drawn

let socket = null; // the connection, while there is one
let pressed = -Infinity; // when something was pressed that may ask for a run
let asked = -Infinity; // when a run was asked for that has not begun
let running = false;
let ends = 0; // of runs; the last one counts
let drawn = true;

function now() {
  return window.performance.now();
}

// A number as Protocol Buffers write it, seven bits a byte: [the number, where the next thing begins].
function number(bytes, from) {
  let value = 0, at = from;
  for (let unit = 1; at < bytes.length; unit *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * unit;
    if (byte < 128) break;
  }
  return [value, at];
}

// The fields at the top of a message, each with its value where that is a number.
function* fields(bytes) {
  for (let at = 0; at < bytes.length;) {
    let tag, value = null;
    [tag, at] = number(bytes, at);
    const kind = tag % 8;
    if (kind === 0) [value, at] = number(bytes, at);
    else if (kind === 2) {
      const [length, begin] = number(bytes, at);
      at = begin + length;
    } else at += kind === 1 ? 8 : 4;
    yield [Math.floor(tag / 8), value];
  }
}

function bytesOf(data) {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data instanceof ArrayBuffer ? data : 0);
}

function sent(data) {
  const [field] = fields(bytesOf(data)).next().value ?? [];
  if (field !== RERUN) return;
  pressed = -Infinity;
  asked = now();
}

function heard({ data }) {
  for (const [field, value] of fields(bytesOf(data))) {
    if (field === NEW_SESSION) {
      asked = -Infinity;
      running = true;
    } else if (field === FINISHED && value !== FOR_ANOTHER) end();
  }
}

function frame(then) {
  let left = true;
  const once = () => {
    if (left) then();
    left = false;
  };
  window.requestAnimationFrame(() => window.setTimeout(once));
  window.setTimeout(once, HIDDEN_MS);
}

function end() {
  running = false;
  drawn = false;
  ends += 1;
  draw(ends, DRAWN_FRAMES);
}

function draw(which, frames) {
  if (which !== ends) return;
  if (frames > 0) {
    frame(() => draw(which, frames - 1));
    return;
  }
  drawn = true;
  document.dispatchEvent(new Event(RESTED));
}

function opened() {
  socket = this;
}

function lost() {
  if (socket !== this) return;
  socket = null;
  running = false;
  asked = -Infinity;
}

const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(...given) {
    super(...given);
    this.addEventListener("open", opened);
    this.addEventListener("message", heard);
    this.addEventListener("close", lost);
  }

  send(data) {
    sent(data);
    super.send(data);
  }
};

function shownRunning() {
  return document.querySelector(".stApp")?.dataset.testScriptState !== "notRunning";
}

window.triptychRuns = {
  // What is pressed now would interrupt a run, or reach what it is about to change.
  busy: () => !socket || running || !drawn || shownRunning() ||
    now() - asked < LOST_MS || now() - pressed < ASKS_MS,
  connected: () => socket !== null,
  // Something was pressed that may ask for a run: until it has, the next would be one with it.
  pressed() {
    pressed = now();
  },
};
