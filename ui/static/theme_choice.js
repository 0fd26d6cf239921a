// Runs before Streamlit, which reads its theme from this key, one for each address.

const chosen = window.localStorage.getItem("triptych-theme") === "Light" ? "Light" : "Dark";
window.localStorage.setItem(
  `stActiveTheme-${window.location.pathname}-v2`,
  JSON.stringify(chosen),
);
