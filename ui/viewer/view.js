// What part of which image is shown, and how. Plain values; lengths in canvas (device) pixels.

const SMALLEST_SCALE = 0.02;
const LARGEST_SCALE = 40;

export function newView(window, overlay) {
  return {
    x: 0, y: 0, scale: 1, fitted: true,
    centre: window.centre, width: window.width, inverted: false,
    overlay: overlay.shown, opacity: overlay.opacity, threshold: overlay.threshold,
  };
}

// Whole image, aspect ratio kept, centred.
export function fit(view, canvas, frame) {
  view.scale = Math.min(canvas.width / frame.columns, canvas.height / frame.rows);
  view.x = (canvas.width - frame.columns * view.scale) / 2;
  view.y = (canvas.height - frame.rows * view.scale) / 2;
  view.fitted = true;
}

// One image pixel on one screen pixel, the middle of the image in the middle; whole offsets, so
// that nothing is interpolated.
export function actualSize(view, canvas, frame) {
  view.scale = 1;
  view.x = Math.round((canvas.width - frame.columns) / 2);
  view.y = Math.round((canvas.height - frame.rows) / 2);
  view.fitted = false;
}

export function zoomAbout(view, factor, x, y) {
  const scale = Math.min(LARGEST_SCALE, Math.max(SMALLEST_SCALE, view.scale * factor));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  view.fitted = false;
}

export function pan(view, dx, dy) {
  view.x += dx;
  view.y += dy;
  view.fitted = false;
}

// Right widens the window, down darkens; 500 px of travel is one full range of values.
export function dragWindow(view, dx, dy, range) {
  view.width = Math.max(range / 1000, view.width + (dx * range) / 500);
  view.centre += (dy * range) / 500;
}

export function pixelAt(view, frame, x, y) {
  const column = Math.floor((x - view.x) / view.scale);
  const row = Math.floor((y - view.y) / view.scale);
  if (row < 0 || column < 0 || row >= frame.rows || column >= frame.columns) return null;
  const value = frame.samples[row * frame.columns + column] * frame.slope + frame.intercept;
  return { row, column, value };
}
