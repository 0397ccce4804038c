"""A lake: Iceberg's tables at an address, whose catalog is in the database that they are copies of."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from time import sleep

from pyiceberg.catalog import MetastoreCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table
from pyiceberg.utils.config import Config

from coingecko_pipeline.lake.copied import CopiedTable
from coingecko_pipeline.lake.errors import LakeElsewhere, files_at
from coingecko_pipeline.lake.files import AnyFileIO
from coingecko_pipeline.lake.shapes import order_of, schema_of, spec_of
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.locks import holding

CATALOG = "lake"
"""The catalog's name: of its rows, of pyiceberg's own variables (PYICEBERG_CATALOG__LAKE__S3__ENDPOINT), and the one to
give to an engine that reads the catalog in the database."""
NAMESPACE = "coingecko"
HINT = "version-hint.text"
"""Beside the metadata: which of them are the current ones, for who has no catalog."""
FOLLOWED = "coingecko-pipeline.followed"
"""The property of a table that tells how far it has come: the number of the latest change, or row, that it has."""
COMMIT_BYTES = 50_000_000
"""New files of so many bytes are committed where a whole table is copied: a killed run loses no more."""
POLL_SECONDS = 1.0

PROPERTIES = {
    "format-version": "2",
    # Without these each of thousands of changes leaves a file.
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
    # `maintaining` merges the manifests that changes leave, as soon as there are two.
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "2",
    # The first letters of a body are in no condition.
    "write.metadata.metrics.column.body": "none",
}


class _Catalog(SqlCatalog):
    """Iceberg's SQL catalog on the connections of a database, whose tables `migrate` has made."""

    def __init__(self, database: Database, **properties: str) -> None:
        # Past its own, which would make connections from an address with a password, and tables.
        MetastoreCatalog.__init__(self, CATALOG, **properties)
        self.engine = database.engine
        self._schema_version = "v1"


@dataclass(frozen=True)
class Lake:
    """A lake.

    Attributes:
        database: What it is a copy of; its catalog is there too.
        address: Where its files are, as `checked_address` gives it.
    """

    database: Database
    address: str

    @cached_property
    def catalog(self) -> SqlCatalog:
        """Its catalog."""
        return _Catalog(self.database, **self._properties)

    @property
    def files(self) -> AnyFileIO:
        """What reaches its files."""
        return AnyFileIO(self._properties)

    @property
    def _properties(self) -> dict[str, str]:
        """What pyiceberg's own variables and file say of the lake, such as a store's endpoint, and where it is."""
        own = Config().get_catalog_config(CATALOG) or {}
        io = f"{AnyFileIO.__module__}.{AnyFileIO.__qualname__}"
        return {"warehouse": self.address, "py-io-impl": io, **{name: str(value) for name, value in own.items()}}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other process write into the lake for the time of the block; waits for one that does."""
        name = "lake" if self.database.is_sqlite else f"lake of {self.database.url.database}"[:64]
        with holding(self.database, name, lambda: sleep(POLL_SECONDS)), files_at(self.address):
            yield

    def table(self, copied: CopiedTable) -> Table | None:
        """A table of the lake as it is now; None where there is none.

        Raises:
            LakeElsewhere: It is at another address.
            LakeUnreadable: Its metadata cannot be read.
        """
        try:
            with files_at(self.address):
                table = self.catalog.load_table((NAMESPACE, copied.name))
        except NoSuchTableError:
            return None
        if not table.location().startswith(f"{self.address}/"):
            there = table.location().removesuffix(f"/{NAMESPACE}/{copied.name}")
            raise LakeElsewhere(
                f"The lake is at {there}, and LAKE_URI names {self.address}: set it back, or delete that lake first by "
                "coingecko-pipeline lake --delete, and it is made at the new address."
            )
        return table

    def made(self, copied: CopiedTable) -> Table:
        """A table of the lake, made where there is none, with the columns that are declared now."""
        table = self.table(copied)
        if table is None:
            self.catalog.create_namespace_if_not_exists(NAMESPACE)
            table = self.catalog.create_table(
                (NAMESPACE, copied.name),
                schema_of(copied),
                location=self.location(copied.name),
                partition_spec=spec_of(copied),
                sort_order=order_of(copied),
                properties=PROPERTIES,
            )
        return table

    def location(self, name: str) -> str:
        """Where the files of a table are."""
        return f"{self.address}/{NAMESPACE}/{name}"

    def point_to(self, table: Table) -> None:
        """Tell readers without a catalog which metadata of a table are the current ones."""
        current = table.metadata_location.rsplit("/", 1)[1].removesuffix(".metadata.json")
        self.files.put(f"{table.location()}/metadata/{HINT}", current)


def open_lake(database: Database, address: str) -> Lake:
    """A lake; no file is touched."""
    return Lake(database, address)
