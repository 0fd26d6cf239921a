// One triangle strip over the canvas; everything happens per fragment.

export const VERTEX = `#version 300 es
in vec2 corner;
void main() { gl_Position = vec4(corner, 0.0, 1.0); }`;

export const FUNCTIONS = ["LINEAR", "LINEAR_EXACT", "SIGMOID", "LUT"];
const NAMES = FUNCTIONS.map((name, number) => `#define ${name} ${number}`).join("\n");

// First the film is brought to the pixels of the screen, then these get their greys: while the window is dragged
// nothing moves, and only the second has to be done again.

const PLACE = `
uniform vec2 canvasSize;
uniform vec2 offset;
uniform float scale, aspect;
uniform vec4 turn;

vec2 imageAt(vec2 fragment) {
  vec2 screen = vec2(fragment.x, canvasSize.y - fragment.y);
  vec2 moved = (screen - offset) / scale;
  return vec2(dot(turn.xz, moved), dot(turn.yw, moved) / aspect);
}`;

// image: stored samples; value = sample * slope + intercept, as the bits of a float, since every WebGL2 can
// draw into whole numbers and not every one into floats. OUTSIDE: no film there; no value has these bits.
// turn, aspect: see geometry.js; the inverse of turn is its transpose.
const OUTSIDE = "0xffffffffu";
export const RESAMPLE = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D image;
uniform float slope, intercept;
out uint bits;
${PLACE}

float sampleAt(ivec2 at) {
  ivec2 last = textureSize(image, 0) - 1;
  return float(texelFetch(image, clamp(at, ivec2(0), last), 0).r) * slope + intercept;
}

float magnified(vec2 at) {
  vec2 from = floor(at - 0.5);
  vec2 part = at - 0.5 - from;
  ivec2 i = ivec2(from);
  float above = mix(sampleAt(i), sampleAt(i + ivec2(1, 0)), part.x);
  float below = mix(sampleAt(i + ivec2(0, 1)), sampleAt(i + ivec2(1, 1)), part.x);
  return mix(above, below, part.y);
}

// Mean of the source pixels under one screen pixel: no moiré from skipped rows.
float minified(vec2 at) {
  vec2 footprint = vec2(1.0, 1.0 / aspect) / scale;
  int taps = int(clamp(ceil(max(footprint.x, footprint.y)), 1.0, 8.0));
  float total = 0.0;
  for (int y = 0; y < taps; y++)
    for (int x = 0; x < taps; x++) {
      vec2 part = (vec2(float(x), float(y)) + 0.5) / float(taps) - 0.5;
      total += sampleAt(ivec2(floor(at + part * footprint)));
    }
  return total / float(taps * taps);
}

void main() {
  vec2 at = imageAt(gl_FragCoord.xy);
  vec2 size = vec2(textureSize(image, 0));
  bool outside = any(lessThan(at, vec2(0.0))) || any(greaterThanEqual(at, size));
  float value = scale * min(1.0, aspect) < 1.0 ? minified(at) : magnified(at);
  bits = outside ? ${OUTSIDE} : floatBitsToUint(value);
}`;

// values: what RESAMPLE drew. Window: DICOM PS3.3 C.11.2.1.2.1 and C.11.2.1.3; table: greys of a VOI LUT, 1024 to a row.
// heat: relevance over box = (top, left, bottom, right) in source pixels, zero outside it.
export const GREYS = `#version 300 es
${NAMES}
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D values, table;
uniform sampler2D heat;
uniform float centre, width;
uniform int windowFunction, entries;
uniform bool inverted, overlay;
uniform vec4 box;
uniform float opacity, threshold;
out vec4 colour;
${PLACE}

float entryAt(int i) {
  int at = clamp(i, 0, entries - 1);
  return float(texelFetch(table, ivec2(at & 1023, at >> 10), 0).r) / 65535.0;
}

float greyOf(float value) {
  float from = value - centre;
  if (windowFunction == LINEAR) return (from + 0.5) / max(width - 1.0, 1e-6) + 0.5;
  if (windowFunction == SIGMOID) return 1.0 / (1.0 + exp(-4.0 * from / width));
  if (windowFunction == LINEAR_EXACT) return from / width + 0.5;
  float at = clamp(from / width + 0.5, 0.0, 1.0) * float(entries - 1);
  return mix(entryAt(int(at)), entryAt(int(at) + 1), fract(at));
}

vec3 warm(float t) {
  vec3 low = vec3(0.55, 0.10, 0.35), mid = vec3(0.93, 0.38, 0.18), high = vec3(1.0, 0.88, 0.42);
  return t < 0.5 ? mix(low, mid, t * 2.0) : mix(mid, high, t * 2.0 - 1.0);
}

void main() {
  uint bits = texelFetch(values, ivec2(gl_FragCoord.xy), 0).r;
  float grey = clamp(greyOf(uintBitsToFloat(bits)), 0.0, 1.0);
  if (inverted) grey = 1.0 - grey;
  vec3 shown = vec3(grey);
  if (overlay) {
    vec2 cell = (imageAt(gl_FragCoord.xy) - box.yx) / (box.wz - box.yx);
    float relevance = texture(heat, cell).r;
    float edge = fwidth(relevance) * 0.8 + 1e-4;
    if (any(lessThan(cell, vec2(0.0))) || any(greaterThan(cell, vec2(1.0)))) relevance = 0.0;
    if (threshold > 0.0 && abs(relevance - threshold) < edge)
      shown = mix(shown, vec3(1.0, 0.85, 0.5), min(1.0, opacity * 1.6));
    else if (relevance >= threshold)
      shown = mix(shown, warm(relevance), opacity * relevance);
  }
  colour = bits == ${OUTSIDE} ? vec4(0.0, 0.0, 0.0, 1.0) : vec4(shown, 1.0);
}`;
