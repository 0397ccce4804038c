// What happens when the page is opened.

const parsed = (id) => JSON.parse(document.getElementById(id).textContent);
const manifest = parsed("manifest");
const figures = parsed("figures");
let coins = null;

function startMovers() {
  const choice = document.querySelector(".choice");
  const show = (days) => {
    for (const button of choice.children) button.setAttribute("aria-pressed", String(button.dataset.days === days));
    for (const part of document.querySelectorAll(".movers")) part.hidden = part.dataset.days !== days;
  };
  choice.hidden = false;
  choice.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) show(button.dataset.days);
  });
  show(choice.children[0].dataset.days);
}

/** The text of a part of an address; as it is written where its escapes are none, as a link that was cut has them. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function followAddress() {
  const match = /^#coin=(.*)$/s.exec(location.hash);
  if (match) await showCoin(decoded(match[1]));
  else document.getElementById("coin").hidden = true;
}

function tellFailure(error) {
  const place = document.getElementById("failure");
  place.hidden = false;
  place.textContent = typeof DecompressionStream === "undefined"
    ? "This browser is too old for the charts and the table of all coins: it cannot inflate data."
    : `A part of the page could not be shown: ${error.message ?? error}`;
}

async function start() {
  startTheme();
  startMovers();
  coins = JSON.parse(await inflateText("coin-list"));
  await startTable();
  addEventListener("hashchange", () => followAddress().catch(tellFailure));
  await followAddress();
  await drawAll(Object.keys(figures).filter((name) => !COIN_CHARTS.includes(name)));
  document.documentElement.dataset.ready = "true";
}

start().catch(tellFailure);
