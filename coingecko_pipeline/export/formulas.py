"""Texts that a spreadsheet would compute: anyone can list a coin, and call it ``=HYPERLINK(…)``."""

import pyarrow as pa
import pyarrow.compute as pc

BEGINNINGS = "=+@\t\r\n\uff1d\uff0b\uff0d\uff20-"
"""What makes a cell a formula, as OWASP's page on CSV injection lists it; four also as wide ones."""

_FORMULA = f"^('*[{BEGINNINGS}])"
"""With apostrophes before it as well, so that taking one away gives back each text as it was."""


def escaped_formulas(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with an apostrophe before each text that a spreadsheet would take for a formula; numbers stay.

    Args:
        batch: Rows on their way into a file of text.
    """
    columns = [
        pc.replace_substring_regex(column, _FORMULA, r"'\1", max_replacements=1)
        if pa.types.is_string(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
