// The theme: the reader's choice, else what the system prefers.

const PREFERS_DARK = matchMedia("(prefers-color-scheme: dark)");
const KEPT = "coingecko_pipeline.theme";

function keptTheme() {
  // A browser that forbids storage for local files throws.
  try { return localStorage.getItem(KEPT); } catch { return null; }
}

function keepTheme(theme) {
  try { localStorage.setItem(KEPT, theme); } catch { /* the choice lasts until the page is closed */ }
}

function showTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = theme === "dark" ? "Light theme" : "Dark theme";
  paintCharts();
}

function startTheme() {
  const button = document.getElementById("theme");
  const wanted = () => keptTheme() ?? (PREFERS_DARK.matches ? "dark" : "light");
  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    keepTheme(theme);
    showTheme(theme);
  });
  PREFERS_DARK.addEventListener("change", () => showTheme(wanted()));
  showTheme(wanted());
}
