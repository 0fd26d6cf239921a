// A button that changes between the dark and the light theme. theme_choice.js reads the choice when
// the page is loaded again.

export default function theme({ parentElement }) {
  if (parentElement.querySelector("button")) return;
  const shown = getComputedStyle(document.querySelector(".stApp")).colorScheme;
  const other = shown === "light" ? "Dark" : "Light";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "theme-switch";
  button.textContent = `${other} theme`;
  button.onclick = () => {
    window.localStorage.setItem("triptych-theme", other);
    window.location.reload();
  };
  parentElement.append(button);
}
