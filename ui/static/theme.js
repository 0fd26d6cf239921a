// A button that changes between the dark and the light theme. theme_choice.js reads the choice when
// the page is loaded again; the server says when it has kept what is open, so that it is still open.

export default function theme({ parentElement, data, setTriggerValue }) {
  if (data.leaving) return window.location.reload();
  if (parentElement.querySelector("button")) return;
  const shown = getComputedStyle(document.querySelector(".stApp")).colorScheme;
  const other = shown === "light" ? "Dark" : "Light";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "theme-switch";
  button.textContent = `${other} theme`;
  button.onclick = () => {
    window.localStorage.setItem("triptych-theme", other);
    setTriggerValue("change", other);
  };
  parentElement.append(button);
}
