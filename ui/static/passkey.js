// The button in the form of a signature that asks for a passkey. The answer goes to the server by
// itself and waits there; signing is another button.

const CONFIRM = "/passkey/confirm";

function bytes(encoded) {
  const plain = window.atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return window.btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function asked({ challenge, site, credentials }) {
  const { rawId, response } = await navigator.credentials.get({ publicKey: {
    challenge: bytes(challenge),
    rpId: site,
    allowCredentials: credentials.map((id) => ({ type: "public-key", id: bytes(id) })),
    userVerification: "preferred",
  } });
  const said = {
    challenge,
    credential: text(rawId),
    authenticator: text(response.authenticatorData),
    client: text(response.clientDataJSON),
    signature: text(response.signature),
  };
  const answer = await fetch(CONFIRM, { method: "POST", body: JSON.stringify(said) });
  return answer.ok;
}

function say(made, words) {
  made.querySelector("[role=status]").textContent = words;
}

async function confirm(made) {
  const { told } = made;
  if (window.location.hostname !== told.site) {
    say(made, `Browsers know passkeys under the name ${told.site} only: open http://${told.site}:${window.location.port}`);
    return;
  }
  let words = "The passkey was not taken. Try again.";
  try {
    if (await asked(told)) words = "Confirmed.";
  } catch {
    // It was cancelled, or there is none here: the browser has said so.
  }
  if (made.told === told) say(made, words);
}

function make(parentElement) {
  const made = document.createElement("div");
  made.className = "passkey";
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: "Confirm with passkey" });
  button.addEventListener("click", () => confirm(made));
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  made.append(button, status);
  parentElement.append(made);
  return made;
}

// Runs again at every run of the page, on the same element.
export default function passkey({ data, parentElement }) {
  const made = parentElement.querySelector(".passkey") ?? make(parentElement);
  if (made.told?.challenge !== data.challenge) say(made, data.answered ? "Confirmed." : "");
  if (made.told?.challenge !== data.challenge) made.told = data;
}
