// Pixels that the browser holds, by the digest of their message, and what was marked on them.
//
// The carriers of pixels and of the heat map, and the viewer, are components with one message each,
// so that choosing another diagnosis sends a small heat map and nothing else again. They meet here.

const KEY = Symbol.for("triptych.pixels");

function store() {
  globalThis[KEY] ??= {
    frames: new Map(), holders: new Map(), waiting: new Map(), measured: new Map(),
    heats: new Map(), watching: new Map(), look: null, looking: null,
  };
  return globalThis[KEY];
}

// A frame stays as long as anyone holds it: when the page moves a carrier, the new one comes before
// the old one goes.
export function putFrame(frame, holder) {
  const { frames, holders, waiting } = store();
  if (!frames.has(frame.id)) frames.set(frame.id, frame);
  holders.set(frame.id, (holders.get(frame.id) ?? new Set()).add(holder));
  for (const callback of waiting.get(frame.id) ?? []) callback(frame);
  waiting.delete(frame.id);
}

export function dropFrame(id, holder) {
  const { frames, holders } = store();
  holders.get(id)?.delete(holder);
  if (holders.get(id)?.size) return;
  holders.delete(id);
  frames.delete(id);
}

// Calls back at once, or when the frame arrives; returns a function that stops waiting.
export function whenFrame(id, callback) {
  const { frames, waiting } = store();
  const frame = frames.get(id);
  if (frame) {
    callback(frame);
    return () => {};
  }
  const callbacks = waiting.get(id) ?? new Set();
  callbacks.add(callback);
  waiting.set(id, callbacks);
  return () => callbacks.delete(callback);
}

export function putHeat(id, heat) {
  const { heats, watching } = store();
  heats.set(id, heat);
  watching.get(id)?.(heat);
}

export function dropHeat(id, heat) {
  const { heats } = store();
  if (heats.get(id) === heat) heats.delete(id);
}

// Calls back now and at every change; returns a function that stops it.
export function watchHeat(id, callback) {
  const { heats, watching } = store();
  watching.set(id, callback);
  callback(heats.get(id) ?? null);
  return () => { if (watching.get(id) === callback) watching.delete(id); };
}

// What the viewer shows (look.js), null where there is none; one listener, told now and at changes.
export function putLook(look, viewer) {
  const shared = store();
  Object.assign(shared, { look, showing: viewer });
  shared.looking?.(look);
}

// A new viewer may come before the old one goes.
export function dropLook(viewer) {
  if (store().showing === viewer) putLook(null, null);
}

export function watchLook(callback) {
  const shared = store();
  shared.looking = callback;
  callback(shared.look);
  return () => { if (shared.looking === callback) shared.looking = null; };
}

// Marks stay with an image until the browser page is closed or loaded again; they begin with those that
// the record has (`recorded`).
export function marksOn(id, recorded = []) {
  const { measured } = store();
  if (!measured.has(id)) measured.set(id, [...recorded]);
  return measured.get(id);
}

// The same, or undefined of an image that was not shown yet.
export function knownMarks(id) {
  return store().measured.get(id);
}
