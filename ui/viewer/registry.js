// Pixels that the browser holds, by content digest.
//
// The pixel carrier and the viewer are two components with one message each, so that choosing
// another diagnosis sends a small heat map and never the pixels again. They meet here.

const KEY = Symbol.for("triptych.pixels");

function store() {
  globalThis[KEY] ??= { frames: new Map(), holders: new Map(), waiting: new Map() };
  return globalThis[KEY];
}

// A frame stays as long as anyone holds it: when the page moves a carrier, the new one comes before
// the old one goes.
export function putFrame(frame, holder) {
  const { frames, holders, waiting } = store();
  if (!frames.has(frame.digest)) frames.set(frame.digest, frame);
  holders.set(frame.digest, (holders.get(frame.digest) ?? new Set()).add(holder));
  for (const callback of waiting.get(frame.digest) ?? []) callback(frame);
  waiting.delete(frame.digest);
}

export function dropFrame(digest, holder) {
  const { frames, holders } = store();
  holders.get(digest)?.delete(holder);
  if (holders.get(digest)?.size) return;
  holders.delete(digest);
  frames.delete(digest);
}

// Calls back at once, or when the frame arrives; returns a function that stops waiting.
export function whenFrame(digest, callback) {
  const { frames, waiting } = store();
  const frame = frames.get(digest);
  if (frame) {
    callback(frame);
    return () => {};
  }
  const callbacks = waiting.get(digest) ?? new Set();
  callbacks.add(callback);
  waiting.set(digest, callbacks);
  return () => callbacks.delete(callback);
}
