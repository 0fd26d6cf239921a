// ui/viewer/registry.js
var KEY = /* @__PURE__ */ Symbol.for("triptych.pixels");
function store() {
  globalThis[KEY] ??= {
    frames: /* @__PURE__ */ new Map(),
    holders: /* @__PURE__ */ new Map(),
    waiting: /* @__PURE__ */ new Map(),
    measured: /* @__PURE__ */ new Map(),
    heats: /* @__PURE__ */ new Map(),
    watching: /* @__PURE__ */ new Map(),
    look: null,
    looking: null
  };
  return globalThis[KEY];
}
function putFrame(frame, holder) {
  const { frames, holders, waiting } = store();
  if (!frames.has(frame.id)) frames.set(frame.id, frame);
  holders.set(frame.id, (holders.get(frame.id) ?? /* @__PURE__ */ new Set()).add(holder));
  for (const callback of waiting.get(frame.id) ?? []) callback(frame);
  waiting.delete(frame.id);
}
function dropFrame(id, holder) {
  const { frames, holders } = store();
  holders.get(id)?.delete(holder);
  if (holders.get(id)?.size) return;
  holders.delete(id);
  frames.delete(id);
}

// ui/viewer/carrier.js
function unpackTable(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Uint16Array(bytes.buffer);
}
function unpack(bytes) {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = data.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const start = 4 + length;
  const samples = bytes.slice(start, start + header.frames * header.rows * header.columns * 2);
  const presets = header.presets.map((preset) => ({ ...preset, table: preset.table ? unpackTable(preset.table) : null }));
  return { ...header, presets, samples: new Uint16Array(samples.buffer) };
}
function carrier({ data, parentElement }) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const frame = unpack(bytes);
  const before = parentElement.dataset.frame;
  if (before && before !== frame.id) dropFrame(before, parentElement);
  parentElement.dataset.frame = frame.id;
  putFrame(frame, parentElement);
  return () => dropFrame(frame.id, parentElement);
}
export {
  carrier as default
};
