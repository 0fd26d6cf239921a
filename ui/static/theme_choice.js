// Runs before Streamlit, which reads its theme from this key, one for each address. Streamlit sets
// color-scheme for its own root only; what it opens beside that root (pop-overs) needs it too.

const chosen = window.localStorage.getItem("triptych-theme") === "Light" ? "Light" : "Dark";
window.localStorage.setItem(
  `stActiveTheme-${window.location.pathname}-v2`,
  JSON.stringify(chosen),
);
document.documentElement.style.colorScheme = chosen.toLowerCase();
document.documentElement.dataset.theme = chosen.toLowerCase();
