// One image as ui/viewer/transport.py sends it, and what the viewer gets.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import carrier from "../../../ui/viewer/carrier.js";
import { whenFrame } from "../../../ui/viewer/registry.js";

const SAMPLES = [0, 1, 258, 65535, 7, 9];

beforeEach(() => { delete globalThis[Symbol.for("triptych.pixels")]; });

// uint32 length, JSON header, little-endian uint16 samples; at an odd address, as it may come.
function message(id, presets = []) {
  const header = new TextEncoder().encode(JSON.stringify(
    { id, frames: 1, rows: 2, columns: 3, slope: 1, intercept: -5, presets }));
  const bytes = new Uint8Array(1 + 4 + header.length + 2 * SAMPLES.length).subarray(1);
  const data = new DataView(bytes.buffer, 1);
  data.setUint32(0, header.length, true);
  bytes.set(header, 4);
  SAMPLES.forEach((sample, i) => data.setUint16(4 + header.length + 2 * i, sample, true));
  return bytes;
}

function held(id) {
  let found = null;
  whenFrame(id, (frame) => { found = frame; })();
  return found;
}

test("samples and header come as they were sent", () => {
  carrier({ data: message("a"), parentElement: { dataset: {} } });
  const { rows, columns, intercept, samples } = held("a");
  assert.deepEqual([rows, columns, intercept, [...samples]], [2, 3, -5, SAMPLES]);
});

test("the lookup table of a window is unpacked", () => {
  const table = Buffer.from(Uint16Array.of(0, 30000, 65535).buffer).toString("base64");
  carrier({ data: message("a", [{ table }, { table: "" }]), parentElement: { dataset: {} } });
  const [first, second] = held("a").presets;
  assert.deepEqual([[...first.table], second.table], [[0, 30000, 65535], null]);
});

test("another image takes the place of the one before", () => {
  const parentElement = { dataset: {} };
  carrier({ data: message("a"), parentElement });
  const remove = carrier({ data: message("b"), parentElement });
  assert.equal(held("a"), null);
  assert.equal(held("b").id, "b");
  remove();
  assert.equal(held("b"), null);
});
