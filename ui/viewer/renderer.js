// WebGL2: 16-bit samples, a table of greys and an 8-bit heat map in, one canvas out.

import { FRAGMENT, FUNCTIONS, VERTEX } from "./shaders.js";

const TABLE_ROW = 1024;

function compile(gl, kind, source) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getShaderInfoLog(shader));
  }
  return shader;
}

function linkProgram(gl) {
  const program = gl.createProgram();
  gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, VERTEX));
  gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, FRAGMENT));
  gl.linkProgram(program);
  gl.useProgram(program);
  return program;
}

function texture(gl, unit, filter) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
    gl.texParameteri(gl.TEXTURE_2D, side, filter);
  }
  for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
    gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  }
}

function strip(gl, program) {
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
  const corner = gl.getAttribLocation(program, "corner");
  gl.enableVertexAttribArray(corner);
  gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
}

function uploadWhole(gl, unit, samples, columns, rows) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16UI, columns, rows, 0,
    gl.RED_INTEGER, gl.UNSIGNED_SHORT, samples);
}

function uploadShares(gl, unit, cells, columns, rows) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, columns, rows, 0, gl.RED, gl.UNSIGNED_BYTE, cells);
}

function padded(table) {
  const rows = Math.ceil(table.length / TABLE_ROW);
  const cells = new Uint16Array(rows * TABLE_ROW);
  cells.set(table);
  return { cells, rows };
}

// Program, buffers and textures; everything that is lost with the context.
function prepare(gl) {
  const program = linkProgram(gl);
  strip(gl, program);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  texture(gl, 0, gl.NEAREST);
  texture(gl, 1, gl.LINEAR);
  texture(gl, 2, gl.NEAREST);
  uploadShares(gl, 1, new Uint8Array(1), 1, 1);
  uploadWhole(gl, 2, new Uint16Array(1), 1, 1);
  const places = new Map();
  const place = (name) => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
    return places.get(name);
  };
  ["image", "heat", "table"].forEach((name, unit) => gl.uniform1i(place(name), unit));
  return place;
}

function setView(gl, place, view, { slope, intercept }, box) {
  gl.uniform2f(place("canvasSize"), gl.canvas.width, gl.canvas.height);
  gl.uniform2f(place("offset"), view.x, view.y);
  gl.uniform1f(place("scale"), view.scale);
  gl.uniform1f(place("aspect"), view.aspect);
  gl.uniform4f(place("turn"), ...view.turn);
  gl.uniform1f(place("slope"), slope);
  gl.uniform1f(place("intercept"), intercept);
  gl.uniform1i(place("windowFunction"), FUNCTIONS.indexOf(view.function));
  gl.uniform1i(place("entries"), view.table?.length ?? 1);
  gl.uniform1f(place("centre"), view.centre);
  gl.uniform1f(place("width"), view.width);
  gl.uniform1i(place("inverted"), view.inverted ? 1 : 0);
  gl.uniform1i(place("overlay"), view.overlay && box ? 1 : 0);
  gl.uniform4f(place("box"), ...(box ?? [0, 0, 1, 1]));
  gl.uniform1f(place("opacity"), view.opacity / 100);
  gl.uniform1f(place("threshold"), view.threshold / 100);
}

// Draws planes of one frame; null where the browser has no WebGL2.
export function createRenderer(canvas, frame) {
  const options = { alpha: false, antialias: false, preserveDrawingBuffer: true };
  const gl = canvas.getContext("webgl2", options);
  if (!gl) return null;
  let place = prepare(gl);
  let heat = null;
  let held = {};

  const uploadHeat = () => {
    if (!heat) return;
    const cells = Uint8Array.from(heat.values.flat(), (v) => Math.round(255 * v));
    uploadShares(gl, 1, cells, heat.values[0].length, heat.values.length);
  };
  const upload = ({ plane, table }) => {
    if (held.plane !== plane) {
      const size = frame.rows * frame.columns;
      const samples = frame.samples.subarray(plane * size, (plane + 1) * size);
      uploadWhole(gl, 0, samples, frame.columns, frame.rows);
    }
    if (table && held.table !== table) {
      const { cells, rows } = padded(table);
      uploadWhole(gl, 2, cells, TABLE_ROW, rows);
    }
    held = { plane, table: table ?? held.table };
  };

  return {
    largest: gl.getParameter(gl.MAX_TEXTURE_SIZE),
    setHeat(next) {
      heat = next;
      uploadHeat();
    },
    draw(view) {
      upload(view);
      gl.viewport(0, 0, canvas.width, canvas.height);
      setView(gl, place, view, frame, heat?.box);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    },
    restore() {
      held = {};
      place = prepare(gl);
      uploadHeat();
    },
    release() {
      gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
}
