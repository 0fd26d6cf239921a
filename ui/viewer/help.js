// The list of all keys, laid over the image.

import { KEYS, POINTER } from "./keys.js";

function helpRow(table, shown, does) {
  const row = table.insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = shown;
  row.append(head);
  row.insertCell().textContent = does;
}

function section(title, rows) {
  const table = document.createElement("table");
  table.createCaption().textContent = title;
  rows.forEach(([shown, does]) => helpRow(table, shown, does));
  return table;
}

export function createHelp(close) {
  const dialog = document.createElement("div");
  dialog.className = "help";
  dialog.hidden = true;
  dialog.tabIndex = -1;
  dialog.setAttribute("role", "dialog");
  dialog.setAttribute("aria-label", "Keys of the image viewer");
  const told = KEYS.filter(({ does }) => does);
  const titles = [...new Set(told.map(({ group }) => group))];
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tool";
  button.textContent = "Close (Esc)";
  button.addEventListener("click", close);
  const tables = titles.map((title) => section(title,
    told.filter(({ group }) => group === title).map(({ shown, does }) => [shown, does])));
  const columns = document.createElement("div");
  columns.className = "columns";
  columns.append(section("Mouse and touch", POINTER), ...tables);
  dialog.append(button, columns);
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  return {
    dialog,
    toggle(open) {
      dialog.hidden = !open;
      if (open) button.focus();
    },
  };
}
