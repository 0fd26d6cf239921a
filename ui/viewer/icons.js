// SVG made here, so that no font or picture is fetched. Icons are 16 x 16, one stroke.

const SVG = "http://www.w3.org/2000/svg"; // a name, not an address

export function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const PATHS = {
  window: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 2v12M8 5h4.5M8 8h6M8 11h4.5",
  length: "M2 14 14 2M2 10.5v3.5h3.5M10.5 2H14v3.5",
  rectangle: "M2.5 4h11v8h-11ZM1.5 3h2v2h-2ZM12.5 11h2v2h-2Z",
  angle: "M14 13H2L11 3M6.5 13a5.5 5.5 0 0 0-1.4-3.6",
  arrow: "M2.5 13.5 13 3M7 3h6v6",
  text: "M3 4.5V3h10v1.5M8 3v10M6 13h4",
  key: "M8 1.8 9.9 5.9l4.4.5-3.3 3 .9 4.4L8 11.6l-3.9 2.2.9-4.4-3.3-3 4.4-.5Z",
  invert: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 2v12M9.5 3v10M11 4v8M12.5 5.5v5",
  fit: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4M5.5 5.5h5v5h-5Z",
  full: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4M2 2l4.5 4.5M14 2 9.5 6.5M14 14 9.5 9.5M2 14l4.5-4.5",
  rotateLeft: "M3 8a5 5 0 1 1 1.6 3.7M3 3.5V8h4.5",
  rotateRight: "M13 8a5 5 0 1 0-1.6 3.7M13 3.5V8H8.5",
  flipAcross: "M8 1.5v13M6 4 2 12h4ZM10 4l4 8h-4Z",
  flipDown: "M1.5 8h13M4 6l8-4v4ZM4 10l8 4v-4Z",
  reset: "M2.5 8a5.5 5.5 0 1 0 1.7-4M2.5 1.5V5H6M8 5v3l2 2",
  prior: "M2 3h5v10H2ZM9 3h5v10H9Z",
  link: "M6.5 9.5l3-3M7 4.5l1.4-1.4a3 3 0 0 1 4.3 4.3L11.3 8.8M9 11.5l-1.4 1.4a3 3 0 0 1-4.3-4.3l1.4-1.4",
};

export function icon(name) {
  const svg = drawn("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
  svg.append(drawn("path", { d: PATHS[name] }));
  return svg;
}
