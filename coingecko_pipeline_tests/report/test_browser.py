"""The page in a real browser, as a reader uses it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from coingecko_pipeline_tests.report.stocked import BREAKOUT, EMOJI, QUOTES

TITLE = "Crypto market on 2026-03-09 (synthetic)"
CHARTS = ("market-cap", "market-volume", "dominance", "rows-by-source")
COIN_CHARTS = ("coin-price", "coin-volume", "coin-market-cap", "coin-drawdown")
PHONE = (360, 740)
LAPTOP = (1280, 800)


class Opened:
    """The page in a tab of its own that keeps what went wrong and what was asked of the network."""

    def __init__(self, browser: Browser, file: Path, size: tuple[int, int], scheme: str, part: str) -> None:
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console", lambda told: self.errors.append(told.text) if told.type in {"error", "warning"} else None
        )
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.address = file.as_uri()
        self.page.goto(self.address + part)
        self.page.wait_for_selector("html[data-ready]", state="attached")


class Reader:
    """Opens the page and looks, at the end, that nothing went wrong and nothing was loaded."""

    def __init__(self, browser: Browser, file: Path) -> None:
        self._browser = browser
        self._file = file
        self.opened: list[Opened] = []

    def open(self, size: tuple[int, int] = LAPTOP, scheme: str = "light", part: str = "") -> Page:
        self.opened.append(Opened(self._browser, self._file, size, scheme, part))
        return self.opened[-1].page


@pytest.fixture
def reader(browser: Browser, page_file: Path) -> Iterator[Reader]:
    found = Reader(browser, page_file)
    yield found
    for opened in found.opened:
        assert opened.errors == []
        assert {request.split("#")[0] for request in opened.requests} == {opened.address}
        expect(opened.page).to_have_title(TITLE)
        opened.context.close()


def names_of(page: Page) -> list[str]:
    links = page.locator("#table tbody th a")
    return [str(name) for name in links.evaluate_all("links => links.map((link) => link.firstChild.data.trim())")]


def colour_of(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_the_table_is_searched_sorted_and_turned(reader: Reader) -> None:
    page = reader.open()
    rows = page.locator("#table tbody tr")
    expect(rows).to_have_count(25)
    expect(page.locator("#found")).to_have_text("69 coins")
    expect(page.locator("#page")).to_have_text("Page 1 of 3")
    assert names_of(page)[0] == "Bitcoin"
    assert page.locator("#table svg").count() == 25

    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    expect(rows).to_have_count(69 - 50)
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    expect(page.locator("#table")).to_contain_text("Gone Coin gone (left the list on 2026-03-09)")

    search = page.get_by_label("Search by name, symbol or id")
    search.fill("MOON")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text(EMOJI)
    expect(page.locator("#found")).to_have_text("1 of 69 coins")
    search.fill("no such coin")
    expect(rows).to_have_count(0)
    search.fill(" coin ")
    # Sixty of that name, the one that is gone, and Bitcoin.
    expect(page.locator("#found")).to_have_text("62 of 69 coins")

    price = page.locator("#table [data-sort=price]")
    first = page.locator("#table tbody tr td:nth-child(3)").first
    price.get_by_role("button").click()
    assert price.get_attribute("aria-sort") == "descending"
    highest = dollars(first.inner_text())
    price.get_by_role("button").click()
    assert price.get_attribute("aria-sort") == "ascending"
    assert dollars(first.inner_text()) <= highest
    assert page.locator("#table [aria-sort=ascending], #table [aria-sort=descending]").count() == 1
    page.locator("#table [data-sort=name]").get_by_role("button").click()
    assert names_of(page)[:3] == ["Bitcoin", "Coin 0", "Coin 1"]


def dollars(text: str) -> float:
    """The number of a price as the page writes it."""
    return float(text.removeprefix("$").replace(",", ""))


def test_names_are_text_and_never_markup(reader: Reader) -> None:
    page = reader.open()
    for name in (BREAKOUT, QUOTES, EMOJI, "Odd id", "Dust"):
        page.get_by_label("Search by name, symbol or id").fill(name)
        expect(page.locator("#table tbody th a")).to_contain_text(name)
        page.locator("#table tbody th a").click()
        expect(page.locator("#coin-title")).to_contain_text(name)
        expect(page.locator("#coin-about")).to_contain_text("365 points, a value for each date")
    assert page.locator("#table b, #coin b").count() == 0


def test_a_link_opens_a_coin_with_its_charts_and_numbers(reader: Reader) -> None:
    page = reader.open(part="#coin=bitcoin")
    expect(page.locator("#coin-title")).to_have_text("Bitcoin (BTC)")
    expect(page.locator("#coin-title")).to_be_focused()
    for chart in COIN_CHARTS:
        expect(page.locator(f"#{chart} .bk-Figure")).to_have_count(1)
        expect(page.locator(f"#{chart}")).to_have_attribute("aria-label", re.compile("to 2026-03-09, at the end "))
    terms, told = (page.locator(f"#coin-facts {tag}").all_inner_texts() for tag in ("dt", "dd"))
    # The wave stands at 60,000 on the last date, at 1.14, 1.1 and 1.02 times that 1, 7 and 30 days before, and its
    # highest is 1.2 times that.
    assert dict(zip(terms, told, strict=True)) == {
        "Price": "$60,000.00",
        "1 day": "\N{MINUS SIGN}12.3 %",
        "7 days": "\N{MINUS SIGN}9.1 %",
        "30 days": "\N{MINUS SIGN}2.0 %",
        "Market cap": "$60 T",
        "Volume 24 h": "$600 B",
        "Drawdown": "\N{MINUS SIGN}16.7 %",
    }
    page.get_by_text("The values by week, as a table").first.click()
    values = page.locator("#coin-values tbody tr")
    expect(values).to_have_count(53)
    assert values.first.locator("th, td").all_inner_texts() == [
        "2026-03-09", "$60,000.00", "$599.9 B", "$60 T", "\N{MINUS SIGN}16.7 %",
    ], "a volume by day is packed to half a thousandth"  # fmt: skip


def test_a_coin_tells_how_much_of_it_there_is(reader: Reader) -> None:
    page = reader.open(part="#coin=coin-07")
    expect(page.locator("#coin-title")).to_have_text("Coin 7 (C7)")
    expect(page.locator("#coin-about")).to_contain_text("53 points")
    for coin, told in (
        ("newborn", "Only 2026-03-09 is stored of this coin"),
        ("unpriced", "No price of this coin is stored"),
        ("50%", "No coin of this page has the id 50%."),
        ("%E0%A4%A", "No coin of this page has the id %E0%A4%A."),
        ("%3Cnobody%3E", "No coin of this page has the id <nobody>."),
    ):
        page.evaluate(f"location.hash = 'coin={coin}'")
        expect(page.locator("#coin-notice")).to_contain_text(told)
        expect(page.locator("#coin-charts")).to_be_hidden()
    page.get_by_role("link", name="All coins").click()
    expect(page.locator("#coin")).to_be_hidden()


def test_the_keyboard_alone_is_enough(reader: Reader) -> None:
    page = reader.open()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    week = page.get_by_role("button", name="7 days").first
    week.focus()
    page.keyboard.press("Enter")
    expect(week).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("heading", name="Over 7 days")).to_be_visible()
    expect(page.get_by_role("heading", name="Over 1 day")).to_be_hidden()
    page.get_by_label("Search by name, symbol or id").focus()
    page.keyboard.type("bitcoin")
    # The eight sort buttons, and the only coin that is left.
    for _ in range(9):
        page.keyboard.press("Tab")
    link = page.locator("#table tbody th a")
    expect(link).to_be_focused()
    assert link.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#coin-title")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#coin")).to_be_hidden()


def test_the_theme_is_the_systems_until_the_reader_chooses_and_the_charts_follow(
    reader: Reader, tmp_path: Path
) -> None:
    page = reader.open()
    light, chart = colour_of(page), page.locator("#market-cap")
    pictures = [page.screenshot(path=tmp_path / "light.png"), chart.screenshot()]
    page.get_by_role("button", name="Dark theme").click()
    assert colour_of(page) != light
    dark = chart.screenshot()
    pictures += [page.screenshot(path=tmp_path / "dark.png"), dark]
    assert len(set(pictures)) == 4
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    assert chart.screenshot() == dark
    assert colour_of(reader.open(scheme="dark")) == colour_of(page)
    page.get_by_role("button", name="Light theme").click()
    assert colour_of(page) == light


def test_a_phone_shows_all_of_it_without_scrolling_sideways(reader: Reader, tmp_path: Path) -> None:
    page = reader.open(PHONE, part="#coin=bitcoin")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    for part in (*(f"#{chart} .bk-Figure" for chart in (*CHARTS, *COIN_CHARTS)), "#table tbody tr", "#movers tbody tr"):
        box = page.locator(part).first.bounding_box()
        assert box is not None
        assert box["width"] > 250
        assert box["x"] + box["width"] <= PHONE[0]
    assert page.screenshot(path=tmp_path / "phone.png")


CONTRAST = """
(pairs) => {
  const probe = document.createElement("i");
  document.body.append(probe);
  const channels = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map((channel) => {
      const share = channel / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
  };
  const luminance = (name) => channels(name).reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
  return pairs.map(([front, behind]) => {
    const [light, dark] = [luminance(front), luminance(behind)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  });
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_lines_stand_out_from_what_is_behind_them(reader: Reader, scheme: str) -> None:
    """The contrasts that WCAG 2.2 asks for at level AA: 4.5 for text, 3 for what carries meaning without being text."""
    page = reader.open(scheme=scheme)
    texts = [(front, behind) for front in ("text", "muted", "link", "up", "down") for behind in ("surface", "page")]
    texts += [("text", "notice"), ("link", "notice")]
    ratios = dict(zip(texts, page.evaluate(CONTRAST, texts), strict=True))
    assert not {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5}
    lines = [(front, "surface") for front in ("series-1", "series-2", "series-3", "series-4", "focus", "level-5")]
    ratios = dict(zip(lines, page.evaluate(CONTRAST, lines), strict=True))
    assert not {pair: ratio for pair, ratio in ratios.items() if ratio < 3}
