// What stands in the page is written only where it changes. Writing the same words again makes the browser
// lay out and paint what holds them, once for each frame of a drag.

export function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

export function mark(element, name, value) {
  const now = String(value);
  if (element.getAttribute(name) !== now) element.setAttribute(name, now);
}

export function put(field, value) {
  const now = String(value);
  if (field.value !== now) field.value = now;
}
