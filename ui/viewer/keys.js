// Every key of the viewer, once: what it does here, in the titles of the buttons and in the help.
//
// Where radiographs have a use for it, keys are those of OHIF (its hotkeyBindings). C and R belong
// to Streamlit, and A, X, M, E, Z, S, J, K, N, W, Q to the page, so rotation to the right is Shift+L, play is G,
// and a key image is U. A capital never has a letter of the page: who forgets Shift must not decide anything.
// `on` says where a key works: "page" anywhere but in text fields, "image" while it has the focus.

export const KEYS = [
  { on: "page", group: "Window", press: [..."123456789"], shown: "1 – 9", act: "preset",
    does: "Window of that number in the list" },
  { on: "page", group: "Window", press: "i", shown: "I", act: "invert", does: "Invert greys" },
  { on: "page", group: "Zoom and position", press: "f", shown: "F", act: "fit",
    does: "Fit image to panel" },
  { on: "page", group: "Zoom and position", press: "0", shown: "0", act: "actual",
    does: "One image pixel on one screen pixel" },
  { on: "page", group: "Zoom and position", press: "l", shown: "L", act: "rotateLeft",
    does: "Rotate left" },
  { on: "page", group: "Zoom and position", press: "L", shown: "Shift+L", act: "rotateRight",
    does: "Rotate right" },
  { on: "page", group: "Zoom and position", press: "h", shown: "H", act: "flipAcross",
    does: "Flip left to right" },
  { on: "page", group: "Zoom and position", press: "v", shown: "V", act: "flipDown",
    does: "Flip top to bottom" },
  { on: "image", group: "Zoom and position", press: "+", shown: "+", act: "zoomIn",
    does: "Zoom in" },
  { on: "image", group: "Zoom and position", press: "-", shown: "−", act: "zoomOut",
    does: "Zoom out" },
  { on: "image", group: "Zoom and position", press: "=", shown: "=", act: "fit",
    does: "Fit image to panel" },
  { on: "image", group: "Zoom and position", press: " ", shown: "Space", act: "reset",
    does: "Reset window, position and heat map" },
  { on: "page", group: "Zoom and position", press: "F", shown: "Shift+F", act: "full",
    does: "Full screen, and back; Esc leaves it" },
  { on: "page", group: "Heat map", press: "o", shown: "O", act: "overlay",
    does: "Heat map of the chosen diagnosis on or off" },
  { on: "page", group: "Measure", press: "d", shown: "D", act: "length",
    does: "Measure a length" },
  { on: "page", group: "Measure", press: "D", shown: "Shift+D", act: "angle",
    does: "Measure an angle: draw one side from its end to the corner, then press where the other ends" },
  { on: "page", group: "Measure", press: "b", shown: "B", act: "rectangle",
    does: "Measure a rectangle" },
  { on: "page", group: "Mark", press: "y", shown: "Y", act: "arrow",
    does: "Draw an arrow, beginning at what it points at, and type its words" },
  { on: "page", group: "Mark", press: "Y", shown: "Shift+Y", act: "text",
    does: "Write on the image" },
  { on: "page", group: "Mark", press: "u", shown: "U", act: "key",
    does: "Make what is shown a key image, or not any more" },
  { on: "page", group: "Mark", press: "Ctrl+z", shown: "Ctrl+Z", act: "undo",
    does: "Take back the last change to the marks" },
  { on: "image", group: "Mark", press: "Enter", act: "place", shown: "Enter",
    does: "Place a mark without the mouse, then go to its other end, and to its words" },
  { on: "image", group: "Mark", press: "Delete", act: "remove", shown: "Delete",
    does: "Delete the selected mark" },
  { on: "image", group: "Mark", press: "Backspace", act: "remove", shown: "Backspace",
    does: "Delete the selected mark" },
  { on: "image", group: "Mark", press: "Escape", act: "leave", shown: "Esc",
    does: "Back to window and level" },
  { on: "image", group: "Arrows", press: "ArrowUp", act: "up", shown: "↑ ↓",
    does: "Previous or next frame; with one frame, move the image" },
  { on: "image", group: "Arrows", press: "ArrowDown", act: "down" },
  { on: "image", group: "Arrows", press: "ArrowLeft", act: "left", shown: "← →",
    does: "Move the image" },
  { on: "image", group: "Arrows", press: "ArrowRight", act: "right" },
  { on: "image", group: "Frames", press: "Home", act: "first", shown: "Home", does: "First frame" },
  { on: "image", group: "Frames", press: "End", act: "last", shown: "End", does: "Last frame" },
  { on: "page", group: "Frames", press: "g", act: "play", shown: "G", does: "Play or pause" },
  { on: "page", group: "Prior image", press: "p", act: "prior", shown: "P",
    does: "Show or hide the prior image" },
  { on: "page", group: "Prior image", press: "t", act: "link", shown: "T",
    does: "Move both images together or apart" },
  { on: "page", group: "Help", press: "?", act: "help", shown: "?", does: "These keys" },
];

export const POINTER = [
  ["Drag", "Window (right is wider, down is darker), or the chosen mark"],
  ["Right drag", "Zoom"],
  ["Middle drag, Shift+drag", "Move the image"],
  ["Wheel", "Zoom; with several frames, scroll. With Ctrl, or pinching, always zoom"],
  ["Double click", "Fit image to panel"],
  ["One finger, two fingers", "Window; zoom and move"],
];

// What `event.key` does: { act, key } or null. Capitals count as small letters if nothing else does.
export function boundTo(key, place) {
  const find = (pressed) =>
    KEYS.find(({ on, press }) => on === place && [press].flat().includes(pressed));
  const found = find(key) ?? (key.length === 1 ? find(key.toLowerCase()) : undefined);
  return found ? { act: found.act, key } : null;
}

// "Invert greys (key I)"
export function titleOf(act) {
  const { does, shown } = KEYS.find((key) => key.act === act);
  return `${does} (key ${shown})`;
}
