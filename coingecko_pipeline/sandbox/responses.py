"""JSON as CoinGecko writes it, and the answers that carry it."""

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from starlette.responses import Response

from .noise import Days, Reals

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


def encoded(body: object) -> bytes:
    """A body as compact UTF-8 JSON.

    Raises:
        ValueError: It holds NaN or infinity, which JSON lacks.
    """
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def json_response(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose body is JSON already."""
    return Response(body, status, {"content-type": JSON, **(headers or {})})


def number_texts(values: Reals) -> list[str]:
    """Numbers as JSON texts that read back to the same bits; NaN becomes null.

    Arrow prints the shortest exact text, as Python does, in a fifth of the time. Whole numbers come out as
    integers, so integers and reals mix in one field, as they do in CoinGecko's answers.
    """
    texts: list[str] = pc.cast(pa.array(values), pa.string()).to_pylist()
    return ["null" if text == "nan" else text for text in texts] if np.isnan(values).any() else texts


def point_texts(stamps: Days, values: Reals) -> str:
    """Pairs of a whole number and a real as the inside of a JSON array; NaN becomes null."""
    numbers = pc.cast(pa.array(values), pa.string())
    pairs = pc.binary_join_element_wise(pc.cast(pa.array(stamps), pa.string()), numbers, ",")
    text: str = pc.binary_join(pa.ListArray.from_arrays([0, len(pairs)], pairs), "],[")[0].as_py()
    return f"[{text}]".replace("nan", "null")
