// WebGL2: 16-bit samples, a table of greys and an 8-bit heat map in, one canvas out. In two steps, see shaders.js.

import { FUNCTIONS, GREYS, RESAMPLE, VERTEX } from "./shaders.js";

const TABLE_ROW = 1024;
const CORNER = 0; // the one attribute
const [IMAGE, HEAT, TABLE, VALUES] = [0, 1, 2, 3]; // texture units

function compile(gl, kind, source) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getShaderInfoLog(shader));
  }
  return shader;
}

// A program, and where its uniforms are; `textures` by name, in the unit of their number.
function link(gl, fragment, textures) {
  const program = gl.createProgram();
  gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, VERTEX));
  gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, fragment));
  gl.bindAttribLocation(program, CORNER, "corner");
  gl.linkProgram(program);
  gl.useProgram(program);
  const places = new Map();
  const place = (name) => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
    return places.get(name);
  };
  for (const [name, unit] of Object.entries(textures)) gl.uniform1i(place(name), unit);
  return { program, place };
}

function texture(gl, unit, filter) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
    gl.texParameteri(gl.TEXTURE_2D, side, filter);
  }
  for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
    gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  }
  return made;
}

function strip(gl) {
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
  gl.enableVertexAttribArray(CORNER);
  gl.vertexAttribPointer(CORNER, 2, gl.FLOAT, false, 0, 0);
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

// Where the film is brought to the pixels of the screen.
function surface(gl) {
  const values = texture(gl, VALUES, gl.NEAREST);
  const buffer = gl.createFramebuffer();
  return {
    resize(columns, rows) { // and uses it
      gl.activeTexture(gl.TEXTURE0 + VALUES);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32UI, columns, rows, 0,
        gl.RED_INTEGER, gl.UNSIGNED_INT, null);
      gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, values, 0);
    },
    use: () => gl.bindFramebuffer(gl.FRAMEBUFFER, buffer),
    leave: () => gl.bindFramebuffer(gl.FRAMEBUFFER, null),
  };
}

// Programs, buffers and textures; everything that is lost with the context.
function prepare(gl) {
  strip(gl);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  texture(gl, IMAGE, gl.NEAREST);
  texture(gl, HEAT, gl.LINEAR);
  texture(gl, TABLE, gl.NEAREST);
  uploadShares(gl, HEAT, new Uint8Array(1), 1, 1);
  uploadWhole(gl, TABLE, new Uint16Array(1), 1, 1);
  return {
    resample: link(gl, RESAMPLE, { image: IMAGE }),
    greys: link(gl, GREYS, { heat: HEAT, table: TABLE, values: VALUES }),
    surface: surface(gl),
  };
}

function setPlace(gl, place, view) {
  gl.uniform2f(place("canvasSize"), gl.canvas.width, gl.canvas.height);
  gl.uniform2f(place("offset"), view.x, view.y);
  gl.uniform1f(place("scale"), view.scale);
  gl.uniform1f(place("aspect"), view.aspect);
  gl.uniform4f(place("turn"), ...view.turn);
}

function setGreys(gl, place, view, box) {
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
  let made = prepare(gl);
  let heat = null;
  let held = {};

  const uploadHeat = () => {
    if (!heat) return;
    const cells = Uint8Array.from(heat.values.flat(), (v) => Math.round(255 * v));
    uploadShares(gl, HEAT, cells, heat.values[0].length, heat.values.length);
  };
  const upload = ({ plane, table }) => {
    if (held.plane !== plane) {
      const size = frame.rows * frame.columns;
      const samples = frame.samples.subarray(plane * size, (plane + 1) * size);
      uploadWhole(gl, IMAGE, samples, frame.columns, frame.rows);
    }
    if (table && held.table !== table) {
      const { cells, rows } = padded(table);
      uploadWhole(gl, TABLE, cells, TABLE_ROW, rows);
    }
    held = { ...held, plane, table: table ?? held.table };
  };
  const resample = (view) => {
    const { width, height } = canvas;
    const size = `${width},${height}`;
    const shown = [size, view.plane, view.x, view.y, view.scale, view.aspect, view.turn].join();
    if (held.shown === shown) return;
    const { resample: { program, place }, surface: values } = made;
    if (held.size === size) values.use();
    else values.resize(width, height);
    gl.useProgram(program);
    setPlace(gl, place, view);
    gl.uniform1f(place("slope"), frame.slope);
    gl.uniform1f(place("intercept"), frame.intercept);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    values.leave();
    Object.assign(held, { shown, size });
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
      resample(view);
      gl.useProgram(made.greys.program);
      setPlace(gl, made.greys.place, view);
      setGreys(gl, made.greys.place, view, heat?.box);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    },
    restore() {
      held = {};
      made = prepare(gl);
      uploadHeat();
    },
    release() {
      gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
}
