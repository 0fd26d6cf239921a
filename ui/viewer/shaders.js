// One triangle strip over the canvas; everything happens per fragment.

export const VERTEX = `#version 300 es
in vec2 corner;
void main() { gl_Position = vec4(corner, 0.0, 1.0); }`;

// image: stored samples; value = sample * slope + intercept.
// Window: LINEAR_EXACT of DICOM PS3.3 C.11.2.1.3.2, which also holds for widths below 1.
// heat: relevance over box = (top, left, bottom, right) in source pixels, zero outside it.
export const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D image;
uniform sampler2D heat;
uniform vec2 canvasSize;
uniform vec2 offset;
uniform float scale;
uniform float slope, intercept, centre, width;
uniform bool inverted, overlay;
uniform vec4 box;
uniform float opacity, threshold;
out vec4 colour;

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
  int taps = int(clamp(ceil(1.0 / scale), 1.0, 8.0));
  float footprint = 1.0 / scale, total = 0.0;
  for (int y = 0; y < taps; y++)
    for (int x = 0; x < taps; x++) {
      vec2 part = (vec2(float(x), float(y)) + 0.5) / float(taps) - 0.5;
      total += sampleAt(ivec2(floor(at + part * footprint)));
    }
  return total / float(taps * taps);
}

vec3 warm(float t) {
  vec3 low = vec3(0.55, 0.10, 0.35), mid = vec3(0.93, 0.38, 0.18), high = vec3(1.0, 0.88, 0.42);
  return t < 0.5 ? mix(low, mid, t * 2.0) : mix(mid, high, t * 2.0 - 1.0);
}

void main() {
  vec2 screen = vec2(gl_FragCoord.x, canvasSize.y - gl_FragCoord.y);
  vec2 at = (screen - offset) / scale;
  vec2 size = vec2(textureSize(image, 0));
  bool outside = any(lessThan(at, vec2(0.0))) || any(greaterThanEqual(at, size));
  float value = scale < 1.0 ? minified(at) : magnified(at);
  float grey = clamp((value - centre) / width + 0.5, 0.0, 1.0);
  if (inverted) grey = 1.0 - grey;
  vec2 cell = (at - box.yx) / (box.wz - box.yx);
  float relevance = texture(heat, cell).r;
  float edge = fwidth(relevance) * 0.8 + 1e-4;
  if (any(lessThan(cell, vec2(0.0))) || any(greaterThan(cell, vec2(1.0)))) relevance = 0.0;
  vec3 shown = vec3(grey);
  if (overlay && threshold > 0.0 && abs(relevance - threshold) < edge)
    shown = mix(shown, vec3(1.0, 0.85, 0.5), min(1.0, opacity * 1.6));
  else if (overlay && relevance >= threshold)
    shown = mix(shown, warm(relevance), opacity * relevance);
  colour = outside ? vec4(0.0, 0.0, 0.0, 1.0) : vec4(shown, 1.0);
}`;
