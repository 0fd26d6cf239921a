// Receives one image as bytes (ui/viewer/transport.py writes them) and keeps it for the viewer.

import { dropFrame, putFrame } from "./registry.js";

function unpack(bytes) {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = data.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const start = 4 + length;
  // A copy starts at an even address, which Uint16Array needs.
  const samples = bytes.slice(start, start + header.rows * header.columns * 2);
  return { ...header, samples: new Uint16Array(samples.buffer) };
}

export default function carrier({ data, parentElement }) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const frame = unpack(bytes);
  const before = parentElement.dataset.digest;
  if (before && before !== frame.digest) dropFrame(before, parentElement);
  parentElement.dataset.digest = frame.digest;
  putFrame(frame, parentElement);
  return () => dropFrame(frame.digest, parentElement);
}
