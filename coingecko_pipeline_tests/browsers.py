"""A real browser for the tests: Chromium, driven by Playwright.

Where none is found the tests are skipped with a reason that tells how to get one; where CI is set, or
REQUIRE_BROWSER=1, they fail instead.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""It runs as any user, in a container too, and asks nothing of the network by itself."""


def find_chromium() -> str | None:
    """The browser's program: what CHROMIUM names, else the first one on the path."""
    return os.environ.get("CHROMIUM") or next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser, for the tests of one module: while it is open, no other test can run an event loop of its own."""
    program = find_chromium()
    if program is None:
        reason = f"no browser: install Chromium ({', '.join(NAMES)}), or set CHROMIUM to its program"
        if os.environ.get("CI") or os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield found
        found.close()
