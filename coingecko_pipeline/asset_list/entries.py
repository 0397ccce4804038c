"""The entries of a list of coins, whatever they hold, as rows of raw_asset_list.

The id is what matters: an entry without one that can be a key is set aside. A name, symbol or platforms that cannot be
stored as received are mended, since a coin is worth more than its name: docs/decisions/0027.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from coingecko_pipeline.sources.asset_ids import ASSET_ID_LENGTH, is_asset_id
from coingecko_pipeline.tables import NAME_LENGTH, SYMBOL_LENGTH

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""A NUL, which ends a text for SQLite and for many clients, and half a surrogate pair, which UTF-8 does not have."""

REPLACEMENT = "\ufffd"
"""Unicode's mark for a character that could not be read."""

LENGTH_SHOWN = 80
"""Characters of an entry that an example shows."""


@dataclass(frozen=True)
class ListedAsset:
    """One coin of a list, as its row holds it: `platforms` is JSON text, and None stands for what is not given."""

    asset_id: str
    symbol: str | None
    name: str | None
    platforms: str | None


@dataclass(frozen=True)
class Defect:
    """What was wrong with one entry.

    Attributes:
        reason: The kind, in a few words.
        example: The entry's id or, without one, its beginning; ASCII alone.
    """

    reason: str
    example: str


@dataclass(frozen=True)
class ListedAssets:
    """What a list says.

    Attributes:
        assets: Each coin once, in the order of the list.
        set_aside: The entries that cannot be a row.
        mended: The values that are not as received.
    """

    assets: tuple[ListedAsset, ...]
    set_aside: tuple[Defect, ...]
    mended: tuple[Defect, ...]

    @property
    def asset_ids(self) -> frozenset[str]:
        """The ids of its coins."""
        return frozenset(asset.asset_id for asset in self.assets)

    def frame(self, fetched_at: datetime) -> pd.DataFrame:
        """The coins as rows of raw_asset_list.

        Args:
            fetched_at: The moment of the answer (UTC, aware).
        """
        columns = ("asset_id", "symbol", "name", "platforms")
        values = {column: [getattr(asset, column) for asset in self.assets] for column in columns}
        return pd.DataFrame(values, dtype="object").assign(fetched_at=pd.Timestamp(fetched_at).as_unit("us"))


def read_entries(entries: Iterable[Any]) -> ListedAssets:
    """The coins of a list, with what was wrong; of an entry twice the first stays.

    Args:
        entries: Objects with an id, and with symbol, name and platforms where the source gives them; or anything else.
    """
    assets: dict[str, ListedAsset] = {}
    set_aside: list[Defect] = []
    mended: list[Defect] = []
    for entry in entries:
        if reason := _why_not_a_row(entry, assets):
            shown = entry["id"] if isinstance(entry, Mapping) and entry.get("id") is not None else entry
            set_aside.append(Defect(reason, ascii(shown)[:LENGTH_SHOWN]))
            continue
        asset_id: str = entry["id"]
        symbol, wrong_symbol = _text(entry.get("symbol"), SYMBOL_LENGTH)
        name, wrong_name = _text(entry.get("name"), NAME_LENGTH)
        platforms, wrong_platforms = _json(entry.get("platforms"))
        assets[asset_id] = ListedAsset(asset_id, symbol, name, platforms)
        wrong = (("symbol", wrong_symbol), ("name", wrong_name), ("platforms", wrong_platforms))
        mended += [Defect(f"{field} {what}", ascii(asset_id)) for field, what in wrong if what]
    return ListedAssets(tuple(assets.values()), tuple(set_aside), tuple(mended))


def count_reasons(defects: Sequence[Defect]) -> dict[str, int]:
    """How many there are of each kind, the most frequent first."""
    return dict(Counter(defect.reason for defect in defects).most_common())


def _why_not_a_row(entry: Any, before: Mapping[str, ListedAsset]) -> str:
    """Why an entry cannot be a row; empty where it can."""
    if not isinstance(entry, Mapping):
        return "no object"
    asset_id = entry.get("id")
    if not isinstance(asset_id, str) or not asset_id:
        return "no id"
    if len(asset_id) > ASSET_ID_LENGTH:
        return f"id longer than {ASSET_ID_LENGTH} characters"
    if not is_asset_id(asset_id):
        return "id with characters that cannot be stored"
    return "listed twice" if asset_id in before else ""


def _text(value: Any, length: int) -> tuple[str | None, str]:
    """A value as text that a column of that many characters holds, and what was wrong with it."""
    if value is None:
        return None, ""
    if not isinstance(value, str):
        return None, "that is no text"
    storable = UNSTORABLE.sub(REPLACEMENT, value)
    if len(storable) > length:
        return storable[:length], f"longer than {length} characters"
    return storable, "with characters that cannot be stored" if storable != value else ""


def _json(value: Any) -> tuple[str | None, str]:
    """An object as JSON text that each of the databases can read, and what was wrong with it."""
    if value is None:
        return None, ""
    if not isinstance(value, Mapping):
        return None, "that are no object"
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return None, "with a number that JSON does not have"
    storable = UNSTORABLE.sub(REPLACEMENT, text)
    return storable, "with characters that cannot be stored" if storable != text else ""
