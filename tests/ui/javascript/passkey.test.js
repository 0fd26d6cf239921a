// A passkey is asked for what is on the page, and what it says goes to the server and to nobody else.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import passkey from "../../../ui/static/passkey.js";
import { openPage, runScript } from "./page.js";

const buffer = (...bytes) => Uint8Array.from(bytes).buffer;
const ANSWER = { rawId: buffer(255, 254), response: {
  authenticatorData: buffer(1), clientDataJSON: buffer(2), signature: buffer(251, 3),
  getPublicKey: () => buffer(4),
} };
const DATA = { challenge: "-_8", answered: false, credentials: ["AQ"], site: "localhost" };

let opened, asked, posted, status;

beforeEach(() => {
  opened = openPage('<form id="passkey"><input name="password" value="secret"></form><p id="told"></p>');
  [asked, posted, status] = [[], [], 204];
  const answered = async (options) => {
    asked.push(options.publicKey);
    return ANSWER;
  };
  const credentials = { get: answered, create: answered };
  const fetched = async (address, { body }) => {
    posted.push([address, JSON.parse(body)]);
    const json = async () => ({ challenge: "AQ", site: "localhost", account: "dr", id: "Ag", known: [],
      message: "Wrong password.", remedy: "Try again." });
    return { ok: status < 300, status: address === "/passkey/begin" && status === 204 ? 200 : status, json };
  };
  Object.defineProperty(globalThis, "navigator", { value: { credentials }, configurable: true });
  Object.defineProperty(opened.navigator, "credentials", { value: credentials, configurable: true });
  globalThis.fetch = opened.fetch = fetched;
});

async function rest() {
  for (let i = 0; i < 20; i++) await new Promise((done) => { setImmediate(done); });
}

async function confirmed(data = { ...DATA, site: "127.0.0.1" }) {
  const parentElement = document.createElement("div");
  passkey({ data, parentElement });
  parentElement.querySelector("button").click();
  await rest();
  return parentElement;
}

function words(parentElement) {
  return parentElement.querySelector("[role=status]").textContent;
}

test("the passkeys of the account are asked, and what one says is posted", async () => {
  assert.equal(words(await confirmed()), "Confirmed.");
  const [{ challenge, rpId, allowCredentials }] = asked;
  assert.deepEqual([...challenge], [251, 255]);
  assert.equal(rpId, "127.0.0.1");
  assert.deepEqual([...allowCredentials[0].id], [1]);
  assert.deepEqual(posted, [["/passkey/confirm", { challenge: "-_8", credential: "__4",
    authenticator: "AQ", client: "Ag", signature: "-wM" }]]);
});

test("one that is cancelled or not taken is said", async () => {
  status = 410;
  assert.match(words(await confirmed()), /not taken/);
  navigator.credentials.get = async () => { throw new Error("cancelled"); };
  assert.match(words(await confirmed()), /not taken/);
});

test("under a number instead of a name it says where to go", async () => {
  assert.match(words(await confirmed(DATA)), /open http:\/\/localhost:8501$/);
  assert.deepEqual(asked, []);
});

test("what is to be signed changes: it has to be confirmed again", async () => {
  const parentElement = await confirmed();
  passkey({ data: { ...DATA }, parentElement }); // a run of the page
  assert.equal(words(parentElement), "Confirmed.");
  passkey({ data: { ...DATA, challenge: "AQ" }, parentElement });
  assert.equal(words(parentElement), "");
  assert.equal(parentElement.querySelectorAll("button").length, 1);
  passkey({ data: { ...DATA, challenge: "Ag", answered: true }, parentElement });
  assert.equal(words(parentElement), "Confirmed.");
});

// The page that adds one

async function added() {
  opened.PublicKeyCredential = class {};
  runScript(opened, "passkey_page.js");
  document.querySelector("#passkey").dispatchEvent(new Event("submit", { cancelable: true }));
  await rest();
  return document.querySelector("#told").textContent;
}

test("under a number instead of a name it says where to go, and asks for nothing", async () => {
  opened.PublicKeyCredential = class {};
  runScript(opened, "passkey_page.js");
  assert.match(document.querySelector("#told").textContent, /open http:\/\/localhost:8501\//);
  assert.ok(document.querySelector("#passkey").hidden);
  assert.deepEqual(posted, []);
});

test("a wrong password is said", async () => {
  status = 403;
  assert.equal(await added(), "No passkey was added. Wrong password. Try again.");
  assert.deepEqual(asked, []);
});

test("it is made, used once, and posted with its public key; the password is not kept", async () => {
  assert.equal(await added(), "The passkey was added to your account.");
  assert.equal(asked.length, 2);
  assert.deepEqual(posted[0], ["/passkey/begin", { password: "secret" }]);
  assert.deepEqual(posted[1], ["/passkey/register", { public_key: "BA", credential: "__4",
    authenticator: "AQ", client: "Ag", signature: "-wM" }]);
});
