// What stands in the page is written only where it changes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { JSDOM } from "jsdom";

import { mark, put, say } from "../../../ui/viewer/changes.js";

async function writesTo(element, write) {
  const { MutationObserver } = element.ownerDocument.defaultView;
  const seen = [];
  const observer = new MutationObserver((changes) => seen.push(...changes));
  observer.observe(element, { attributes: true, childList: true, characterData: true, subtree: true });
  write();
  await Promise.resolve(); // an observer is told at the end of the turn
  observer.disconnect();
  return seen.length;
}

const page = new JSDOM("<p data-width=400>C 40  W 400</p><input value=7>").window.document;

test("the same words are not written again, others are", async () => {
  const words = page.querySelector("p");
  assert.equal(await writesTo(words, () => say(words, "C 40  W 400")), 0);
  assert.equal(await writesTo(words, () => say(words, "C 41  W 400")), 1);
  assert.equal(words.textContent, "C 41  W 400");
});

test("an attribute is written only with another value, whatever kind of value it is", async () => {
  const words = page.querySelector("p");
  assert.equal(await writesTo(words, () => mark(words, "data-width", 400)), 0);
  assert.equal(await writesTo(words, () => mark(words, "data-width", 401)), 1);
  assert.equal(words.dataset.width, "401");
});

test("a field that already has the value is left alone", () => {
  const field = page.querySelector("input");
  let written = 0;
  const own = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value");
  Object.defineProperty(field, "value", {
    get: () => own.get.call(field),
    set: (value) => { written += 1; own.set.call(field, value); },
  });
  put(field, 7);
  assert.equal(written, 0);
  put(field, 8);
  assert.equal(written, 1);
  assert.equal(own.get.call(field), "8");
});
