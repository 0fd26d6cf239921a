// Pointer and keyboard to actions. Returns a function that takes every listener off again.

const STEP = 40;

function typing(event) {
  const target = event.composedPath()[0];
  return target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) &&
      target.type !== "range");
}

function pointer(canvas, act, listen) {
  let last = null;
  const position = (event) => {
    const bounds = canvas.getBoundingClientRect();
    const ratio = canvas.width / bounds.width;
    return [(event.clientX - bounds.left) * ratio, (event.clientY - bounds.top) * ratio, ratio];
  };
  listen(canvas, "pointerdown", (event) => {
    const panning = event.button !== 0 || event.shiftKey;
    last = { at: position(event), action: panning ? "pan" : "window" };
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    event.preventDefault();
  });
  listen(canvas, "pointermove", (event) => {
    const [x, y, ratio] = position(event);
    act("probe", [x, y]);
    if (!last) return;
    const dx = x - last.at[0], dy = y - last.at[1];
    act(last.action, last.action === "pan" ? [dx, dy] : [dx / ratio, dy / ratio]);
    last.at = [x, y];
  });
  for (const name of ["pointerup", "pointercancel"]) listen(canvas, name, () => { last = null; });
  listen(canvas, "pointerleave", () => act("probe", null));
  listen(canvas, "contextmenu", (event) => event.preventDefault());
  listen(canvas, "dblclick", () => act("fit"));
  listen(canvas, "wheel", (event) => {
    event.preventDefault();
    const [x, y] = position(event);
    act("zoom", [Math.exp(-event.deltaY / 500), x, y]);
  }, { passive: false });
}

function keyboard(canvas, presets, act, listen) {
  const anywhere = {
    o: () => act("overlay"), i: () => act("invert"), f: () => act("fit"),
    0: () => act("actual"),
    ...Object.fromEntries(presets.map((preset) => [preset.key, () => act("preset", preset)])),
  };
  const middle = (factor) => act("zoom", [factor, canvas.width / 2, canvas.height / 2]);
  const onCanvas = {
    "+": () => middle(1.25), "=": () => middle(1.25), "-": () => middle(0.8),
    ArrowLeft: () => act("pan", [STEP, 0]), ArrowRight: () => act("pan", [-STEP, 0]),
    ArrowUp: () => act("pan", [0, STEP]), ArrowDown: () => act("pan", [0, -STEP]),
  };
  const press = (event, actions) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
    if (!actions[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  };
  listen(canvas, "keydown", (event) => press(event, onCanvas));
  listen(document, "keydown", (event) => press(event, anywhere));
}

export function attachControls(canvas, presets, act) {
  const off = [];
  const listen = (target, name, handler, options) => {
    target.addEventListener(name, handler, options);
    off.push(() => target.removeEventListener(name, handler, options));
  };
  pointer(canvas, act, listen);
  keyboard(canvas, presets, act, listen);
  return () => off.forEach((remove) => remove());
}
