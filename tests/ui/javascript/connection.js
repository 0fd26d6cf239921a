// Streamlit's connection with nobody at the other end: what runs.js hears is what a test says.

import { runScript } from "./page.js";

const WORDS = {
  asks: [0x5a, 0], // rerun_script
  begins: [0x0a, 1, 65, 0x12, 0, 0x22, 2, 1, 2], // a hash, metadata, new_session
  draws: [0x2a, 0x81, 1, ...Array(129).fill(0x30)], // a delta, longer than one byte can say
  continues: [0x12, 0, 0x30, 2], // script_finished, for another run
  ends: [0x12, 0, 0x30, 0], // script_finished
};

// Loads runs.js into a page and opens the connection; `open` is false for one that is not there yet.
export function connect(window, open = true) {
  window.WebSocket = class extends window.EventTarget { send() {} };
  runScript(window, "runs.js");
  const socket = new window.WebSocket();
  const told = (event, data) => socket.dispatchEvent(Object.assign(new window.Event(event), { data }));
  if (open) told("open");
  return {
    runs: window.triptychRuns,
    open: () => told("open"),
    close: () => told("close"),
    asks: () => socket.send(Uint8Array.from(WORDS.asks)),
    hears: (word) => told("message", Uint8Array.from(WORDS[word])),
  };
}
