// Shows how far the assessment of an added case is: it asks the server by a small request, and for no
// run of the page.

const JOBS = "/added";
const ASK_JOB_MS = 700;
const JOB_AT_WORK = '[data-job][data-state="working"]';

async function followJob(line) {
  const body = JSON.stringify({ job: line.dataset.job });
  const answer = await window.fetch(JOBS, { method: "POST", body });
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

async function followJobs() {
  const lines = [...document.querySelectorAll(JOB_AT_WORK)];
  // Streamlit says when the server is gone; until it is back nothing changes.
  await Promise.all(lines.map((line) => followJob(line).catch(() => {})));
  window.setTimeout(followJobs, ASK_JOB_MS);
}

followJobs();
