// ui/viewer/registry.js
var KEY = /* @__PURE__ */ Symbol.for("triptych.pixels");
function store() {
  globalThis[KEY] ??= {
    frames: /* @__PURE__ */ new Map(),
    holders: /* @__PURE__ */ new Map(),
    waiting: /* @__PURE__ */ new Map(),
    measured: /* @__PURE__ */ new Map(),
    heats: /* @__PURE__ */ new Map(),
    watching: /* @__PURE__ */ new Map(),
    look: null,
    looking: null
  };
  return globalThis[KEY];
}
function putHeat(id, heat2) {
  const { heats, watching } = store();
  heats.set(id, heat2);
  watching.get(id)?.(heat2);
}
function dropHeat(id, heat2) {
  const { heats } = store();
  if (heats.get(id) === heat2) heats.delete(id);
}

// ui/viewer/heat.js
function heat({ data }) {
  putHeat(data.frame, data.heat);
  return () => dropHeat(data.frame, data.heat);
}
export {
  heat as default
};
