"""The example of docs/mysql-io-manager.md, as Python."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "mysql-io-manager.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def documented_example() -> str:
    """The page's Python blocks in their order, on the page's own lines, so that a traceback names these."""
    page = PAGE.read_text(encoding="utf-8")
    example = ""
    for block in BLOCK.finditer(page):
        example += "\n" * (page.count("\n", 0, block.start(1)) - example.count("\n")) + block.group(1)
    return example
