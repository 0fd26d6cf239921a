// Keeps the browser's Back and Forward on what was on the screen: the worklist, and the cases that the
// address names (ui/state/address.py).

const CASE = "/case";

// Streamlit writes down first what stands behind the question mark, then the page, or the other way
// round: what is between them was never on the screen, and is no entry to go back to.
function between(url) {
  const { pathname, searchParams } = new URL(url, window.location.href);
  return (pathname === CASE) !== searchParams.has("id");
}

// A page that is loaded anew before the run after Back or Forward has ended still has that number in
// its address, and Streamlit would write the address without it down as one more entry, from which
// Back leads nowhere.
function alreadyThere(url) {
  const { pathname, searchParams } = new URL(url, window.location.href);
  const here = new URLSearchParams(window.location.search);
  return pathname === CASE && window.location.pathname === CASE && searchParams.get("id") === here.get("id");
}

const push = window.history.pushState.bind(window.history);
window.history.pushState = (state, unused, url) => {
  if (between(url)) return;
  if (alreadyThere(url)) window.history.replaceState(state, unused, url);
  else push(state, unused, url);
};

// The number tells the server that it is not the address of a run that has just moved on.
window.addEventListener("popstate", () => {
  const { pathname, search } = window.location;
  if (pathname !== CASE) return;
  const params = new URLSearchParams(search);
  params.set("back", String(Date.now()));
  window.history.replaceState(window.history.state, "", `${pathname}?${params}`);
}, { capture: true });
