// Shows how far the assessment of an added case is: it asks the server by a small request, and for no
// run of the page.

const ADDED = "/added";
const ASK_MS = 700;
const WORKING = '[data-job][data-state="working"]';

async function follow(line) {
  const body = JSON.stringify({ job: line.dataset.job });
  const answer = await window.fetch(ADDED, { method: "POST", body });
  if (!answer.ok) return;
  const { state, words } = await answer.json();
  if (line.textContent !== words) line.textContent = words;
  if (state === "working") return;
  line.dataset.state = state;
  const row = line.closest("tr");
  const mark = row.querySelector(".chip");
  mark.textContent = state;
  mark.className = `chip ${state === "done" ? "good" : "bad"}`;
  row.querySelector('[data-pick^="again"]').hidden = state !== "failed";
}

async function look() {
  const lines = [...document.querySelectorAll(WORKING)];
  // Streamlit says when the server is gone; until it is back nothing changes.
  await Promise.all(lines.map((line) => follow(line).catch(() => {})));
  window.setTimeout(look, ASK_MS);
}

look();
