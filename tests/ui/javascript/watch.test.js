// Leaves for the sign-in page when the session is over, and says so before.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { openPage, runScript, stopTime } from "./page.js";

let clock, asked, answer, lacking;

// watch.js asks the server, and waits for what it says.
async function pass(seconds) {
  clock.pass(1000 * seconds);
  await new Promise((done) => { setImmediate(done); });
}

function notice() {
  return document.querySelector(".idle-notice")?.textContent ?? null;
}

beforeEach(async () => {
  lacking = [];
  const opened = openPage("", (message) => lacking.push(message));
  clock = stopTime(opened);
  asked = [];
  answer = { status: 200, left: 900, idle: 900 };
  opened.fetch = async (address, { method }) => {
    asked.push(method);
    return { status: answer.status, json: async () => answer };
  };
  runScript(opened, "watch.js");
  await pass(0);
});

function touch() {
  document.body.dispatchEvent(new Event("pointermove", { bubbles: true }));
}

test("the server is told that somebody is at work only when somebody was", async () => {
  await pass(15);
  touch();
  await pass(15);
  await pass(15);
  assert.deepEqual(asked, ["GET", "GET", "POST", "GET"]);
});

test("a minute before the end there is a notice, gone when somebody moves", async () => {
  answer.left = 50;
  await pass(15);
  assert.match(notice(), /^You will be signed out within a minute/);
  answer.left = 900;
  touch();
  await pass(0);
  assert.equal(notice(), null);
  assert.equal(asked.at(-1), "POST");
});

test("sessions of a minute or two are not warned of: the notice would always be there", async () => {
  Object.assign(answer, { left: 50, idle: 120 });
  await pass(15);
  assert.equal(notice(), null);
});

test("a short idle time is asked about more often", async () => {
  answer.idle = 20;
  await pass(15);
  const before = asked.length;
  for (let i = 0; i < 3; i++) await pass(5);
  assert.equal(asked.length, before + 3);
});

test("when the session is over the page leaves and asks nothing more", async () => {
  assert.deepEqual(lacking, []);
  answer.status = 401;
  await pass(15);
  await pass(600);
  assert.match(lacking.join(), /navigation/);
  assert.equal(asked.length, 2);
});

test("it leaves, too, when Streamlit shows that nobody is signed in", async () => {
  document.body.innerHTML = '<div class="signed-out"></div>';
  await pass(0.3);
  assert.match(lacking.join(), /navigation/);
});

test("a server that is away for a while is asked again", async () => {
  const { fetch } = window;
  window.fetch = async () => { throw new TypeError("network"); };
  await pass(15);
  window.fetch = fetch;
  await pass(15);
  assert.deepEqual(asked, ["GET", "GET"]);
});
