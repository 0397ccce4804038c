"""Take the README's screenshots again, by clicking through a running UI as a user does.

It materializes today's partition of coingecko/daily_market, launches a backfill of the ten dates before the demo's
year for the 20 largest coins, and waits for both. It needs the package playwright, which is not in the project's
environment, and a Chromium:

    make demo
    .venv/bin/coingecko-pipeline dev --demo --port 3055
    python3 -m venv .cache/shots && .cache/shots/bin/pip install playwright
    .cache/shots/bin/python docs/images/take_screenshots.py http://127.0.0.1:3055 --chromium /usr/bin/chromium

The same on the deployment: `make up PROFILE=sandbox`, then the script on http://127.0.0.1:3000.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

ASSET = "coingecko/daily_market"
DAYS = 10
DEMO_DAYS = 365
TOP = 20
CONFIG = f"ops:\n  coingecko__daily_market:\n    config:\n      top: {TOP}\n"

GRAPH = (1400, 1330)
MATERIALIZATION = (1320, 1330)
DIALOG = (1152, 1000)
BACKFILL = (1152, 500)
AUTOMATION = (1440, 900)
"""Width and height: enough for all that is to be read, with little around it."""

RUNNING = ("daily_market_schedule", "history_completion_schedule", "new_coins_sensor")

ZOOMS_OUT, ZOOM_PIXELS = 4, 200
EDGE, DRAGGED = 80, 340

CLICK_MS = 15_000
RUN_MS = 180_000
SETTLE_MS = 2_000
"""For what moves after a page has its text: the graph's fit, spinners, the last poll."""


def main() -> None:
    """Take the four screenshots."""
    parser = argparse.ArgumentParser(description="Take the README's screenshots from a running `dev --demo`.")
    parser.add_argument("url", help="the UI's URL, for example http://127.0.0.1:3000")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent, help="where the PNG files go")
    arguments = parser.parse_args()
    expect.set_options(timeout=CLICK_MS)
    url = arguments.url.rstrip("/")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox", "--disable-gpu"])
        materialize_today(browser, url, arguments.folder / "materialization.png")
        backfill_past_dates(browser, url, arguments.folder / "backfill.png")
        show_graph(browser, url, arguments.folder / "asset-graph.png")
        show_automation(browser, url, arguments.folder / "automation.png")
        browser.close()


@contextmanager
def opened(browser: Browser, address: str, size: tuple[int, int]) -> Iterator[Page]:
    """A page of the UI without its navigation; the welcome of a new instance is skipped when it comes."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, timezone_id="UTC", locale="en-US")
    page = context.new_page()
    page.set_default_timeout(CLICK_MS)
    skip = page.get_by_role("button", name="Skip", exact=True)
    page.add_locator_handler(skip, lambda button: button.click())
    page.goto(address)
    page.get_by_text("Hide navigation").click()
    yield page
    context.close()


def materialize_today(browser: Browser, url: str, target: Path) -> None:
    """Materialize the latest partition from the asset's page, and show what the materialization tells."""
    with opened(browser, f"{url}/assets/{ASSET}", MATERIALIZATION) as page:
        page.get_by_role("button", name="Materialize…").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Latest").click()
        dialog.get_by_role("button", name="Launch 1 run").click()
        page.get_by_text("View", exact=True).click()
        expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=RUN_MS)
    with opened(browser, f"{url}/assets/{ASSET}?view=events", MATERIALIZATION) as page:
        expect(page.get_by_text("largest_coins")).to_be_visible()
        expect(page.get_by_text("Dogecoin")).to_be_visible()
        take(page, target)


def backfill_past_dates(browser: Browser, url: str, target: Path) -> None:
    """Launch a backfill with config from the partition dialog, and show its page when it has succeeded."""
    last = datetime.now(UTC).date() - timedelta(days=DEMO_DAYS + 1)
    first = last - timedelta(days=DAYS - 1)
    with opened(browser, f"{url}/assets/{ASSET}", DIALOG) as page:
        page.get_by_role("button", name="Materialize…").click()
        dialog = page.get_by_role("dialog").filter(has_text="Launch runs")
        dialog.get_by_text("Show all partitions").click()
        dates = dialog.get_by_role("textbox").first
        dates.fill(f"[{first}...{last}]")
        dates.press("Enter")
        expect(dialog.get_by_text(f"{DAYS} partitions")).to_be_visible()
        dialog.get_by_text("Config", exact=True).click()
        dialog.get_by_role("button", name="Add config").click()
        page.locator(".CodeMirror").first.click()
        page.keyboard.insert_text(CONFIG)
        page.get_by_role("button", name="Save config").click()
        expect(dialog.get_by_text("Config saved")).to_be_visible()
        dialog.get_by_role("button", name="Launch backfill").click()
        page.get_by_text("View", exact=True).click()
        expect(page.get_by_text("Succeeded", exact=True).first).to_be_visible(timeout=RUN_MS)
        expect(page.get_by_text("100% completed")).to_be_visible(timeout=RUN_MS)
        address = page.url
    with opened(browser, address, BACKFILL) as page:
        expect(page.get_by_text("100% completed")).to_be_visible()
        take(page, target)


def show_graph(browser: Browser, url: str, target: Path) -> None:
    """Show the graph of all assets, its groups opened."""
    with opened(browser, f"{url}/asset-groups", GRAPH) as page:
        expect(page.get_by_text("coins", exact=True).last).to_be_visible()
        page.get_by_placeholder("Jump to…").locator("xpath=following::button[1]").click()
        page.wait_for_timeout(SETTLE_MS)
        page.keyboard.press("Alt+e")
        page.wait_for_timeout(SETTLE_MS)
        # Out again until all of it is there.
        page.mouse.move(GRAPH[0] / 2, GRAPH[1] / 2)
        for _ in range(ZOOMS_OUT):
            page.mouse.wheel(0, ZOOM_PIXELS)
            page.wait_for_timeout(SETTLE_MS / 4)
        # The fit is of the groups while they are closed: opened they reach further up.
        page.mouse.move(GRAPH[0] - EDGE, EDGE * 4)
        page.mouse.down()
        page.mouse.move(GRAPH[0] - EDGE, EDGE * 4 + DRAGGED, steps=10)
        page.mouse.up()
        expect(page.get_by_text("daily_market", exact=True).last).to_be_visible()
        take(page, target)


def show_automation(browser: Browser, url: str, target: Path) -> None:
    """Show the schedules and sensors, those that are on by themselves running."""
    with opened(browser, f"{url}/automation", AUTOMATION) as page:
        for name in RUNNING:
            row = (
                page.locator("div", has=page.get_by_text(name, exact=True))
                .filter(has=page.get_by_role("checkbox"))
                .last
            )
            expect(row.get_by_role("checkbox").last).to_be_checked()
        take(page, target)


def take(page: Page, target: Path) -> None:
    """Save what the page shows, once it is still."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=target)


if __name__ == "__main__":
    main()
