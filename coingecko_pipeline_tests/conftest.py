"""Fixtures that every test can take."""

from coingecko_pipeline_tests.browsers import browser
from coingecko_pipeline_tests.databases import (
    database,
    empty_database,
    kind,
    make_database,
    migrated_database,
    second,
    servers,
)

__all__ = ["browser", "database", "empty_database", "kind", "make_database", "migrated_database", "second", "servers"]
