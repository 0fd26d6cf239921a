// WebGL2: 16-bit samples and an 8-bit heat map in, one canvas out.

import { FRAGMENT, VERTEX } from "./shaders.js";

function compile(gl, kind, source) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getShaderInfoLog(shader));
  }
  return shader;
}

function link(gl) {
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

// Returns null where the browser has no WebGL2.
export function createRenderer(canvas) {
  const options = { alpha: false, antialias: false, preserveDrawingBuffer: true };
  const gl = canvas.getContext("webgl2", options);
  if (!gl) return null;
  const program = link(gl);
  strip(gl, program);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  texture(gl, 0, gl.NEAREST);
  texture(gl, 1, gl.LINEAR);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, 1, 1, 0, gl.RED, gl.UNSIGNED_BYTE, new Uint8Array(1));
  const places = new Map();
  const place = (name) => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
    return places.get(name);
  };
  gl.uniform1i(place("image"), 0);
  gl.uniform1i(place("heat"), 1);
  let scaleOfValues = { slope: 1, intercept: 0 };
  let box = [0, 0, 1, 1];
  let hasHeat = false;

  return {
    largest: gl.getParameter(gl.MAX_TEXTURE_SIZE),
    setFrame({ samples, rows, columns, slope, intercept }) {
      gl.activeTexture(gl.TEXTURE0);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16UI, columns, rows, 0,
        gl.RED_INTEGER, gl.UNSIGNED_SHORT, samples);
      scaleOfValues = { slope, intercept };
    },
    setHeat(heat) {
      hasHeat = Boolean(heat);
      if (!heat) return;
      const cells = Uint8Array.from(heat.values.flat(), (v) => Math.round(255 * v));
      gl.activeTexture(gl.TEXTURE1);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, heat.values[0].length, heat.values.length, 0,
        gl.RED, gl.UNSIGNED_BYTE, cells);
      box = heat.box;
    },
    draw(view) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.uniform2f(place("canvasSize"), canvas.width, canvas.height);
      gl.uniform2f(place("offset"), view.x, view.y);
      gl.uniform1f(place("scale"), view.scale);
      gl.uniform1f(place("slope"), scaleOfValues.slope);
      gl.uniform1f(place("intercept"), scaleOfValues.intercept);
      gl.uniform1f(place("centre"), view.centre);
      gl.uniform1f(place("width"), view.width);
      gl.uniform1i(place("inverted"), view.inverted ? 1 : 0);
      gl.uniform1i(place("overlay"), view.overlay && hasHeat ? 1 : 0);
      gl.uniform4f(place("box"), ...box);
      gl.uniform1f(place("opacity"), view.opacity / 100);
      gl.uniform1f(place("threshold"), view.threshold / 100);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    },
    release() {
      gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
}
