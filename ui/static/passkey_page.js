// Adds a passkey to the account: asks the browser to make one, and then to use it once.

const form = document.querySelector("#passkey");
const told = document.querySelector("#told");

function bytes(encoded) {
  const plain = window.atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return window.btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function post(address, content) {
  const answer = await fetch(address, { method: "POST", body: JSON.stringify(content) });
  if (answer.status === 401) window.location.replace("/sign-in");
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const { message, remedy } = await answer.json();
  throw new Error(`${message} ${remedy}`);
}

function descriptors(known) {
  return known.map((id) => ({ type: "public-key", id: bytes(id) }));
}

async function make({ challenge, site, account, id, known }) {
  const made = await navigator.credentials.create({ publicKey: {
    challenge: bytes(challenge),
    rp: { id: site, name: "Triptych" },
    user: { id: bytes(id), name: account, displayName: account },
    pubKeyCredParams: [-7, -257, -8].map((alg) => ({ type: "public-key", alg })),
    excludeCredentials: descriptors(known),
    authenticatorSelection: { residentKey: "discouraged", userVerification: "preferred" },
    attestation: "none",
  } });
  return { id: text(made.rawId), key: text(made.response.getPublicKey()) };
}

async function use({ challenge, site }, id) {
  const { response } = await navigator.credentials.get({ publicKey: {
    challenge: bytes(challenge),
    rpId: site,
    allowCredentials: descriptors([id]),
    userVerification: "preferred",
  } });
  return {
    credential: id,
    authenticator: text(response.authenticatorData),
    client: text(response.clientDataJSON),
    signature: text(response.signature),
  };
}

async function add() {
  const begun = await post("/passkey/begin", { password: form.elements.password.value });
  form.reset();
  const { id, key } = await make(begun);
  await post("/passkey/register", { public_key: key, ...await use(begun, id) });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  told.textContent = "";
  try {
    await add();
    told.textContent = "The passkey was added to your account.";
  } catch (error) {
    told.textContent = `No passkey was added. ${error.message}`;
  }
});

if (!window.PublicKeyCredential || window.location.hostname !== "localhost") {
  const there = `http://localhost:${window.location.port}${window.location.pathname}`;
  told.textContent = `Browsers know passkeys under the name localhost only: open ${there}`;
  form.hidden = true;
}
