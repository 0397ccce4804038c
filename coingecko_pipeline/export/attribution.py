"""Whose data a file holds: in its metadata, or beside it where its format has none."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import ipc, parquet

SOURCE, WORDS, URL = "source", "attribution", "attribution_url"
"""The names in the metadata of a file."""
SIDECAR = ".attribution.txt"
"""What the name of the file beside one without metadata ends with, after its whole name."""


@dataclass(frozen=True)
class Attribution:
    """What a source asks for wherever its data are shown.

    Attributes:
        source: The source's name.
        words: As they are to be read.
        url: Where they lead.
    """

    source: str
    words: str
    url: str

    def added_to(self, schema: pa.Schema) -> pa.Schema:
        """A schema whose metadata have it."""
        return schema.with_metadata({**(schema.metadata or {}), SOURCE: self.source, WORDS: self.words, URL: self.url})

    def put_beside(self, path: Path) -> None:
        """Write it into a file beside one that cannot hold it.

        Raises:
            OSError: It cannot be written.
        """
        lines = (f"{WORDS}: {self.words}", f"{URL}: {self.url}", f"{SOURCE}: {self.source}", f"file: {path.name}")
        sidecar_of(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def sidecar_of(path: Path) -> Path:
    """The file beside one without metadata."""
    return path.with_name(path.name + SIDECAR)


def source_in(path: Path) -> str | None:
    """The name of the source whose data an exported file holds; None of a file that is no export."""
    sidecar = sidecar_of(path)
    if sidecar.is_file():
        lines = sidecar.read_text(encoding="utf-8", errors="replace").splitlines()
        told = dict(line.split(": ", 1) for line in lines if ": " in line)
        return told.get(SOURCE) if told.get("file") == path.name else None
    for schema_of in (parquet.read_schema, _arrow_schema):
        try:
            metadata = schema_of(path).metadata or {}
        except (pa.ArrowException, OSError):
            continue
        # Files of other programs have a source too.
        return metadata.get(SOURCE.encode(), b"").decode() or None if WORDS.encode() in metadata else None
    return None


def _arrow_schema(path: Path) -> pa.Schema:
    with ipc.open_file(path) as reader:
        return reader.schema
