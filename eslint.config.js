import js from "@eslint/js";
import globals from "globals";

// Loaded by the page as they are (ui/host/shell.py), before anything else; all other files are modules.
const SCRIPTS = ["address", "announce", "drafts", "evidence", "form_focus", "open_list", "presence", "runs",
  "theme_choice", "type_ahead", "watch"]
  .map((name) => `ui/static/${name}.js`);

export default [
  // Built from ui/viewer/*.js; and what other tools make.
  { ignores: ["ui/viewer/bundle/", ".venv/", "build/", "dist/", "out/", "runs/"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-shadow": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
  { files: ["ui/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: SCRIPTS, languageOptions: { sourceType: "script" } },
  { files: ["tests/**/*.js"], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
];
