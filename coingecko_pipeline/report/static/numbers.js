// Numbers as the page shows them; words.py writes those of the fixed parts in the same way.

const UNKNOWN = "–";
const UNITS = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]];
const grouped = (digits) => new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const COUNT = grouped(0), CENTS = grouped(2), TENTHS = grouped(1);
const FOUR = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 4 });
const SIX = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 6 });
const TINY = 1e-6;

function usd(value) {
  if (Number.isNaN(value)) return UNKNOWN;
  for (const [size, unit] of UNITS) {
    if (value >= size) return `$${FOUR.format(value / size)} ${unit}`;
  }
  return `$${FOUR.format(value)}`;
}

function price(value) {
  if (Number.isNaN(value)) return UNKNOWN;
  if (value >= 1000) return `$${CENTS.format(value)}`;
  if (value >= 1) return `$${SIX.format(value)}`;
  return value === 0 || value >= TINY ? `$${FOUR.format(value)}` : `$${value.toExponential(3)}`;
}

// A growth of 1.1 is a change of +10 %.
function change(growth) {
  if (Number.isNaN(growth)) return UNKNOWN;
  const percent = (growth - 1) * 100;
  const text = TENTHS.format(Math.abs(percent));
  return `${text === "0.0" ? "" : percent < 0 ? "−" : "+"}${text} %`;
}

function direction(growth) {
  return growth >= 1.0005 ? "up" : growth <= 0.9995 ? "down" : "";
}
