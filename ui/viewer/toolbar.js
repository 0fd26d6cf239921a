// Buttons, sliders and read-outs around the canvas. They call `act(name, value)` and hold no state.

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function button(label, title, pressed, action) {
  const made = element("button", "tool", label);
  made.type = "button";
  made.title = title;
  made.setAttribute("aria-label", title);
  if (pressed !== null) made.setAttribute("aria-pressed", String(pressed));
  made.addEventListener("click", action);
  return made;
}

function slider(label, title, act) {
  const made = element("label", "slider", label);
  const input = element("input");
  const number = element("output");
  Object.assign(input, { type: "range", min: 0, max: 100, step: 1, title });
  input.setAttribute("aria-label", title);
  input.addEventListener("input", () => act(Number(input.value)));
  made.append(input, number);
  return {
    made,
    show(value) {
      input.value = value;
      number.textContent = `${value}%`;
    },
    enable(enabled) {
      input.disabled = !enabled;
      made.classList.toggle("off", !enabled);
    },
  };
}

function group(...children) {
  const made = element("div", "group");
  made.append(...children);
  return made;
}

export function createToolbar(presets, act) {
  const presetButtons = presets.map((preset) =>
    button(preset.label, `${preset.label} window (key ${preset.key})`, false,
      () => act("preset", preset)));
  const invert = button("Invert", "Invert greys (key i)", false, () => act("invert"));
  const fitButton = button("Fit", "Fit image to panel (key f)", null, () => act("fit"));
  const actual = button("1:1", "One image pixel on one screen pixel (key 0)", null,
    () => act("actual"));
  const overlay = button("Overlay", "Show or hide the heat map (key o)", true,
    () => act("overlay"));
  const opacity = slider("Opacity", "Heat map opacity, percent", (v) => act("opacity", v));
  const threshold = slider("Threshold", "Hide relevance below, percent of the strongest",
    (v) => act("threshold", v));
  const top = element("div", "bar");
  top.append(group(...presetButtons), group(invert, fitButton, actual));
  const bottom = element("div", "bar");
  bottom.append(group(overlay), group(opacity.made, threshold.made));
  const readout = element("div", "readout");
  const probe = element("div", "probe");
  const legend = element("div", "legend");

  return {
    top, bottom, readout, probe, legend,
    show(view, heat, canvasScale) {
      presetButtons.forEach((made, i) => made.setAttribute("aria-pressed", String(
        view.centre === presets[i].centre && view.width === presets[i].width)));
      invert.setAttribute("aria-pressed", String(view.inverted));
      overlay.setAttribute("aria-pressed", String(Boolean(heat) && view.overlay));
      overlay.disabled = !heat;
      opacity.show(view.opacity);
      threshold.show(view.threshold);
      opacity.enable(heat && view.overlay);
      threshold.enable(heat && view.overlay);
      const number = (v) => (Math.abs(v) >= 100 ? v.toFixed(0) : v.toPrecision(3));
      readout.textContent =
        `C ${number(view.centre)}  W ${number(view.width)}  ` +
        `${Math.round((100 * view.scale) / canvasScale)}%`;
      legend.textContent = !heat ? "No heat map for this suggestion"
        : view.overlay ? `Heat map: ${heat.label}` : "Heat map hidden";
    },
    showProbe(pixel) {
      probe.textContent = pixel
        ? `row ${pixel.row}  column ${pixel.column}  value ${Number(pixel.value.toPrecision(6))}`
        : "";
    },
  };
}
