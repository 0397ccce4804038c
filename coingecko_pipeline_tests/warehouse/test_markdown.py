import pytest
from markdown_it import MarkdownIt

from coingecko_pipeline.warehouse.markdown import LEFT, RIGHT, escaped, markdown_table

HOSTILE = (
    "[free coins](https://evil.example)",
    "![](https://evil.example/seen.png)",
    "<img src=//evil.example/seen.png>",
    "<https://evil.example>",
    "https://evil.example",
    "www.evil.example",
    "someone@evil.example",
    "a | b | c",
    "`|` \\| \\",
    "first\n\n# second\n- third",
    "**bold** _it_ ~~gone~~ &amp; &lt;b&gt;",
    "[free]: https://evil.example",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_cell_that_shows_it(name: str) -> None:
    table = markdown_table({"coin": LEFT, "price (USD)": RIGHT}, [(name, "1.5"), ("bitcoin", "2")])
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(table)
    cells = [token for token in tokens if token.type == "inline"]
    assert len(cells) == 6
    shown = cells[2].children or []
    assert {token.type for token in shown} <= {"text", "text_special"}
    assert "".join(token.content for token in shown).replace("\u200b", "") == " ".join(name.split())


@pytest.mark.parametrize("text", ["https://evil.example", "HTTP://evil.example", "www.evil.example", "a@evil.example"])
def test_nothing_is_left_that_a_plain_address_is_known_by(text: str) -> None:
    # GitHub's dialect looks for these in the text that escapes have been taken out of.
    assert escaped(text).replace("\u200b", "") == text
    assert not any(mark in escaped(text) for mark in ("s://", "P://", "www.", "a@"))


def test_columns_are_aligned_as_told() -> None:
    assert markdown_table({"coin": LEFT, "price": RIGHT}, [("big", "9,000")]).splitlines() == [
        "| coin | price |",
        "| --- | ---: |",
        "| big | 9,000 |",
    ]
