"""Take the screenshots of the report again: light, dark with one coin, and on a phone.

make demo
.venv/bin/python docs/images/take_report_screenshots.py data/demo/report/index.html --chromium /usr/bin/chromium
"""

import argparse
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

COLOURS = 128
"""Of a picture's palette: what the eye tells apart in a page of flat colours, at a quarter of the bytes."""


@dataclass(frozen=True)
class Shot:
    """One screenshot.

    Attributes:
        name: The file's name, without its suffix.
        size: Width and height in pixels.
        theme: light or dark.
        part: The part of the page that is opened.
    """

    name: str
    size: tuple[int, int]
    theme: str
    part: str = ""


SHOTS = (
    Shot("report-light", (1200, 1060), "light"),
    Shot("report-dark", (1200, 920), "dark", "#coin=bitcoin"),
    Shot("report-phone", (360, 1000), "light", "#coins"),
)


def main() -> None:
    """Take the three screenshots."""
    parser = argparse.ArgumentParser(description="Take the screenshots of a report.")
    parser.add_argument("report", type=Path, help="the HTML file")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent, help="where the PNG files go")
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox", "--disable-gpu"])
        for shot in SHOTS:
            width, height = shot.size
            page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
            page.emulate_media(color_scheme="dark" if shot.theme == "dark" else "light")
            page.goto(arguments.report.resolve().as_uri() + shot.part)
            page.wait_for_selector("html[data-ready]", state="attached")
            if shot.part:
                page.locator(shot.part.split("=")[0]).scroll_into_view_if_needed()
            image = Image.open(BytesIO(page.screenshot())).convert("RGB")
            image.quantize(COLOURS).save(arguments.folder / f"{shot.name}.png", optimize=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
