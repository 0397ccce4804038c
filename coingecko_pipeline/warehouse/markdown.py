"""Text of others in Markdown, as Dagster's UI renders it: what it says, and nothing that it asks for.

Unescaped a name could be a link, or an image by which whoever chose it counts who looks.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

LEFT = "---"
RIGHT = "---:"
"""How a column of a table is aligned."""

_MARKUP = re.compile(r"[\\`*_\[\]<>&|~!#$]")
_LINK = re.compile(r"(?i)(?=://)|(?<=\bwww)(?=\.)|(?=@)")
"""Where GitHub's dialect takes plain text for a link or an address, whatever is escaped in it."""
_ZERO_WIDTH_SPACE = "\u200b"


def escaped(text: str) -> str:
    """A text on one line as Markdown that shows it: no link, no image, no HTML, no end of a table's cell."""
    return unlinked(_MARKUP.sub(r"\\\g<0>", " ".join(text.split())))


def unlinked(text: str) -> str:
    """A text in which nothing is taken for a link: a space without width stands where one would begin."""
    return _LINK.sub(_ZERO_WIDTH_SPACE, text)


def markdown_table(columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> str:
    """A table whose cells are escaped.

    Args:
        columns: The headings, each with its alignment, `LEFT` or `RIGHT`.
        rows: The cells of each row as text.
    """
    lines = [columns, columns.values(), *([escaped(str(cell)) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
