// The part for one coin, opened by the address #coin=<id>.

const COIN_CHARTS = ["coin-price", "coin-volume", "coin-market-cap", "coin-drawdown"];
const DAY_MS = 86400000;

function dateAt(day) {
  return new Date(Date.parse(manifest.first) + day * DAY_MS).toISOString().slice(0, 10);
}

// The known points of a coin: by day where the page has its days, else by week.
async function pointsOf(row) {
  const daily = row < manifest.detailed;
  const [prices, volumes, supplies] = await Promise.all(
    ["price_usd", "volume_24h_usd", "supply"].map((name) => series(`${daily ? "daily" : "weekly"}-${name}`)),
  );
  const price_ = prices.of(row), volume = volumes.of(row), supply = supplies.of(row);
  const points = [];
  let highest = -Infinity;
  for (let at = 0; at < price_.length; at++) {
    if (Number.isNaN(price_[at])) continue;
    highest = Math.max(highest, price_[at]);
    const day = daily ? at : at * 7;
    points.push({
      day, date: dateAt(day), price: price_[at], volume: volume[at], marketCap: supply[at] * price_[at],
      drawdown: highest > 0 ? price_[at] / highest - 1 : 0,
    });
  }
  return { daily, points };
}

function columnsOf(points, name, text) {
  const known = points.filter((point) => !Number.isNaN(point[name]));
  return {
    date: known.map((point) => Date.parse(point.date)),
    label: known.map((point) => point.date),
    value: known.map((point) => point[name]),
    text: known.map((point) => text(point[name])),
  };
}

function fact(list, term, text, ...classes) {
  const pair = document.createElement("div"), name = document.createElement("dt"), value = document.createElement("dd");
  name.textContent = term;
  value.textContent = text;
  value.classList.add(...classes.filter(Boolean));
  pair.append(name, value);
  list.append(pair);
}

async function showCoin(id) {
  const section = document.getElementById("coin");
  const row = coins.ids.indexOf(id);
  section.hidden = false;
  const title = document.getElementById("coin-title");
  title.textContent = row < 0 ? "Unknown coin" : `${coins.names[row]} (${coins.symbols[row].toUpperCase()})`;
  title.focus({ preventScroll: true });
  section.scrollIntoView();
  const { daily, points } = row < 0 ? { daily: false, points: [] } : await pointsOf(row);
  tellCoin(row, id, daily, points);
  const enough = points.length > 1;
  document.getElementById("coin-charts").hidden = !enough;
  document.getElementById("coin-values").hidden = !enough;
  if (!enough) return;
  fillValues(points, daily);
  const last = points.at(-1);
  const percent = (value) => change(1 + value);
  await Promise.all([
    ["coin-price", "price", price, "Price"],
    ["coin-volume", "volume", usd, "Volume of 24 hours"],
    ["coin-market-cap", "marketCap", usd, "Market cap"],
    ["coin-drawdown", "drawdown", percent, "Drawdown"],
  ].map(([chart, name, text, what]) => {
    const label = `${what} from ${points[0].date} to ${last.date}, at the end ${text(last[name])}. The values are in the table below the charts.`;
    return fill(chart, columnsOf(points, name, text), daily ? 1 : 7, label);
  }));
}

function tellCoin(row, id, daily, points) {
  const about = document.getElementById("coin-about"), facts = document.getElementById("coin-facts");
  const notice = document.getElementById("coin-notice");
  facts.replaceChildren();
  about.replaceChildren();
  notice.hidden = row >= 0 && points.length > 1;
  if (row < 0) {
    notice.textContent = `No coin of this page has the id ${id}.`;
    return;
  }
  const left = coins.left[row] ? `, left CoinGecko's list on ${coins.left[row]}` : "";
  const resolution = daily ? "a value for each date" : "one value a week";
  about.append(`${id}${left}: ${points.length} points, ${resolution}. `);
  if (manifest.live) {
    const link = document.createElement("a");
    link.href = `https://www.coingecko.com/en/coins/${encodeURIComponent(id)}`;
    link.rel = "noreferrer";
    link.textContent = "On CoinGecko";
    about.append(link);
  }
  const { columns } = table;
  const now = columns.price[row];
  fact(facts, "Price", price(now));
  for (const days of [1, 7, 30]) {
    const growth = columns[`growth-${days}`][row];
    fact(facts, days === 1 ? "1 day" : `${days} days`, change(growth), direction(growth));
  }
  fact(facts, "Market cap", usd(columns["market-cap"][row]));
  fact(facts, "Volume 24 h", usd(columns.volume[row]));
  const last = points.at(-1);
  if (last) fact(facts, "Drawdown", change(1 + last.drawdown), last.drawdown < 0 ? "down" : "");
  notice.textContent = points.length
    ? `Only ${points[0].date} is stored of this coin in the shown year; its history may not have been fetched yet.`
    : "No price of this coin is stored in the shown year.";
}

function fillValues(points, daily) {
  // As many digits as the packed prices have: more would be noise.
  const told = (value) => price(Number(value.toPrecision(daily ? 5 : 3)));
  const weekly = points.filter((point) => (manifest.days - 1 - point.day) % 7 === 0).reverse();
  const lines = weekly.map((point) => {
    const line = document.createElement("tr"), date = document.createElement("th");
    date.scope = "row";
    date.textContent = point.date;
    line.append(date);
    for (const text of [told(point.price), usd(point.volume), usd(point.marketCap), change(1 + point.drawdown)]) {
      const cell = document.createElement("td");
      cell.className = "number";
      cell.textContent = text;
      line.append(cell);
    }
    return line;
  });
  document.querySelector("#coin-values tbody").replaceChildren(...lines);
}
