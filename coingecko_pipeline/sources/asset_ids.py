"""What an id of a coin must be to be stored and asked for."""

from typing import Any, TypeGuard

ASSET_ID_LENGTH = 191
"""Characters of an id at most, as the tables have it; the longest that was seen has 72."""


def is_asset_id(value: Any) -> TypeGuard[str]:
    """Whether a value of an answer is an id that can be stored: a text, not empty, not too long, and valid Unicode.

    A NUL is none: it ends a text for SQLite's functions and for many clients.
    """
    if not isinstance(value, str) or not 0 < len(value) <= ASSET_ID_LENGTH or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold and UTF-8 cannot
        return False
    return True
