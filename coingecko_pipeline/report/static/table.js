// The table of all coins: searched, sorted and shown a page at a time.

const PAGE_ROWS = 25;
const table = { order: [], shown: [], key: "rank", descending: false, page: 0, columns: {}, folded: [] };
// From which end a column is sorted first: names from A, numbers from the largest.
const UPWARDS = new Set(["rank", "name"]);

async function startTable() {
  const latest = (name) => series(`latest-${name}`).then((found) => found.values);
  const growth = (days) => series(`growth-${days}`).then((found) => found.values);
  const [prices, volumes, marketCaps, day, week, month] = await Promise.all([
    latest("price_usd"), latest("volume_24h_usd"), latest("market_cap_usd"), growth(1), growth(7), growth(30),
  ]);
  table.columns = {
    price: prices, volume: volumes, "market-cap": marketCaps, "growth-1": day, "growth-7": week, "growth-30": month,
  };
  table.folded = coins.ids.map((id, row) => `${coins.names[row]}\n${coins.symbols[row]}\n${id}`.toLowerCase());
  table.order = coins.ids.map((_, row) => row);
  for (const head of document.querySelectorAll("#table [data-sort]")) {
    head.querySelector("button").addEventListener("click", () => sortBy(head.dataset.sort));
  }
  document.getElementById("search").addEventListener("input", () => { table.page = 0; search(); });
  document.getElementById("previous").addEventListener("click", () => turn(-1));
  document.getElementById("next").addEventListener("click", () => turn(1));
  await series("weekly-price_usd");
  search();
}

function sortBy(key) {
  table.descending = key === table.key ? !table.descending : !UPWARDS.has(key);
  table.key = key;
  table.page = 0;
  const sign = table.descending ? -1 : 1;
  const rows = coins.ids.map((_, row) => row);
  if (key === "name") {
    const { compare } = new Intl.Collator("en", { numeric: true });
    rows.sort((a, b) => sign * compare(coins.names[a], coins.names[b]));
  } else if (key === "rank") {
    if (table.descending) rows.reverse();
  } else {
    const values = table.columns[key];
    // What is not known comes last from either end.
    rows.sort((a, b) => Number.isNaN(values[a]) - Number.isNaN(values[b]) || sign * (values[a] - values[b]) || a - b);
  }
  table.order = rows;
  for (const head of document.querySelectorAll("#table [data-sort]")) {
    const state = head.dataset.sort !== key ? "none" : table.descending ? "descending" : "ascending";
    head.setAttribute("aria-sort", state);
  }
  search();
}

function search() {
  const wanted = document.getElementById("search").value.trim().toLowerCase();
  table.shown = wanted ? table.order.filter((row) => table.folded[row].includes(wanted)) : table.order;
  const found = table.shown.length;
  document.getElementById("found").textContent = wanted
    ? `${COUNT.format(found)} of ${COUNT.format(coins.ids.length)} coins`
    : `${COUNT.format(found)} coins`;
  showPage();
}

function turn(pages) {
  table.page += pages;
  showPage();
  document.getElementById("table").scrollIntoView();
}

async function showPage() {
  const pages = Math.max(1, Math.ceil(table.shown.length / PAGE_ROWS));
  table.page = Math.min(Math.max(table.page, 0), pages - 1);
  const rows = table.shown.slice(table.page * PAGE_ROWS, (table.page + 1) * PAGE_ROWS);
  const weekly = await series("weekly-price_usd");
  document.querySelector("#table tbody").replaceChildren(...rows.map((row) => tableRow(row, weekly.of(row))));
  document.getElementById("page").textContent = `Page ${COUNT.format(table.page + 1)} of ${COUNT.format(pages)}`;
  document.getElementById("previous").disabled = table.page === 0;
  document.getElementById("next").disabled = table.page === pages - 1;
}

function tableRow(row, weekly) {
  const { columns } = table;
  const line = document.createElement("tr");
  const cell = (text, ...classes) => {
    const made = document.createElement("td");
    made.textContent = text;
    made.classList.add("number", ...classes.filter(Boolean));
    line.append(made);
  };
  cell(Number.isNaN(columns["market-cap"][row]) ? UNKNOWN : COUNT.format(row + 1), "rank");
  const name = document.createElement("th");
  name.scope = "row";
  name.append(coinLink(row));
  if (coins.left[row]) name.append(` (left the list on ${coins.left[row]})`);
  line.append(name);
  cell(price(columns.price[row]));
  for (const [key, hiddenBelow] of [["growth-1", ""], ["growth-7", "week"], ["growth-30", "month"]]) {
    cell(change(columns[key][row]), direction(columns[key][row]), hiddenBelow);
  }
  cell(usd(columns.volume[row]), "volume");
  cell(usd(columns["market-cap"][row]));
  const spark = document.createElement("td");
  spark.className = "spark";
  spark.append(...sparkline(weekly));
  line.append(spark);
  return line;
}

function coinLink(row) {
  const link = document.createElement("a");
  link.href = `#coin=${encodeURIComponent(coins.ids[row])}`;
  const symbol = document.createElement("small");
  symbol.textContent = coins.symbols[row];
  link.append(`${coins.names[row]} `, symbol);
  return link;
}

// A line of one value a week, and for a screen reader what it did.
function sparkline(values) {
  const known = [...values.keys()].filter((at) => !Number.isNaN(values[at]));
  if (known.length < 2) return [];
  const points = known.map((at) => values[at]);
  const low = Math.min(...points), span = Math.max(...points) - low || 1;
  const x = (at) => ((at / (values.length - 1)) * 118 + 1).toFixed(1);
  const y = (value) => (28 - ((value - low) / span) * 26).toFixed(1);
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 120 30");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", `M${known.map((at, nth) => `${x(at)} ${y(points[nth])}`).join("L")}`);
  const growth = points.at(-1) / points[0];
  if (growth < 1) picture.classList.add("fell");
  picture.append(path);
  const told = document.createElement("span");
  told.className = "unseen";
  told.textContent = `${change(growth)} in ${7 * (known.at(-1) - known[0])} days`;
  return [picture, told];
}
