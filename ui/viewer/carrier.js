// Receives one image as bytes (ui/viewer/transport.py writes them) and keeps it for the viewer.

import { dropFrame, putFrame } from "./registry.js";

function unpackTable(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Uint16Array(bytes.buffer);
}

function unpack(bytes) {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = data.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const start = 4 + length;
  // A copy starts at an even address, which Uint16Array needs.
  const samples = bytes.slice(start, start + header.frames * header.rows * header.columns * 2);
  const presets = header.presets.map((preset) =>
    ({ ...preset, table: preset.table ? unpackTable(preset.table) : null }));
  return { ...header, presets, samples: new Uint16Array(samples.buffer) };
}

export default function carrier({ data, parentElement }) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const frame = unpack(bytes);
  const before = parentElement.dataset.frame;
  if (before && before !== frame.id) dropFrame(before, parentElement);
  parentElement.dataset.frame = frame.id;
  putFrame(frame, parentElement);
  return () => dropFrame(frame.id, parentElement);
}
