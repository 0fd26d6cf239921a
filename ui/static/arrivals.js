// Says on the worklist what came since it was drawn. It asks by a request of its own, now and then and
// only while the page is seen; what is shown stays as it is until somebody presses "Show them".

const ARRIVALS = "/arrivals";
const ARRIVALS_MS = 20_000;

function countedArrivals(number, one, many) {
  if (!number) return [];
  return [number === 1 ? one : `${number} ${many}`];
}

function wordsOfArrivals({ cases, adjudicated }) {
  return [
    ...countedArrivals(cases, "1 new case", "new cases"),
    ...countedArrivals(adjudicated, "1 case that you signed was adjudicated", "cases that you signed were adjudicated"),
  ].join("; ");
}

async function askArrivals() {
  const line = document.querySelector("[data-arrivals]");
  if (!line || document.hidden) return;
  const since = line.dataset.arrivals;
  let told;
  try {
    const answer = await window.fetch(`${ARRIVALS}?since=${since}`, { method: "POST", cache: "no-store" });
    if (!answer.ok) return;
    told = await answer.json();
  } catch {
    return; // Streamlit says when the server is gone, and watch.js when the session is over
  }
  // Drawn anew while the answer was on its way, it says what is new since then.
  if (!line.isConnected || line.dataset.arrivals !== since) return;
  const said = wordsOfArrivals(told);
  if (said && line.textContent !== said) line.textContent = said;
  line.hidden = !said;
}

window.setInterval(askArrivals, ARRIVALS_MS);
document.addEventListener("visibilitychange", askArrivals);
