"""One column of texts, packed by the database into a few JSON arrays.

PyMySQL makes rows one by one: 17,400 ids take it 42 ms, and 12 ms as JSON.
"""

import json
from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, func, select


def read_texts(connection: Connection, column: ColumnElement[str], condition: ColumnElement[bool]) -> Iterator[str]:
    """The texts of a column, byte for byte and in no order, in the rows that meet a condition.

    Args:
        connection: Reads.
        column: Without NULL.
        condition: Which rows; their texts have to fit into memory.
    """
    packed = func.json_group_array if connection.dialect.name == "sqlite" else func.json_arrayagg
    # One array for each length of text: MariaDB cuts an array off at group_concat_max_len, by default 1 MB, which all
    # ids of a date would come near.
    for (texts,) in connection.execute(select(packed(column)).where(condition).group_by(func.length(column))):
        yield from json.loads(texts)
