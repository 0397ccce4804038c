"""The queries of docs/sql-cookbook.md, as the page has them."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "sql-cookbook.md"
RECIPE = re.compile(
    r"^## (?P<number>\d+)\. (?P<question>[^\n]+\?)\n\n(?P<told>.+?)\n\n"
    r"```sql\n(?P<query>.+?)\n```\n\n\*(?P<runs_on>[^*\n]+)\*$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Recipe:
    """A question of the page with its query.

    Attributes:
        question: The heading.
        query: One statement.
        runs_on: The databases that the page says it runs on, by their kinds.
    """

    question: str
    query: str
    runs_on: frozenset[str]


def recipes() -> dict[int, Recipe]:
    """Each recipe by its number."""
    return {
        int(each["number"]): Recipe(
            each["question"], each["query"], frozenset(each["runs_on"].lower().replace(" ", "").split(","))
        )
        for each in RECIPE.finditer(PAGE.read_text(encoding="utf-8"))
    }
