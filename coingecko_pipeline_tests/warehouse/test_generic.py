"""The warehouse is for any project: it knows no table, no command and no word of this one."""

import re
from pathlib import Path

import pytest

from coingecko_pipeline import warehouse

MODULES = sorted(Path(warehouse.__file__).parent.glob("*.py"))
OF_THIS_PROJECT = re.compile(r"coin|chart|snapshot|market|api call|credits|docs/(?!mysql-io-manager|decisions/)", re.I)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_word_of_this_project_is_in_the_warehouse(module: Path) -> None:
    text = module.read_text(encoding="utf-8").replace("coingecko_pipeline.warehouse", "")
    assert OF_THIS_PROJECT.findall(text) == []
