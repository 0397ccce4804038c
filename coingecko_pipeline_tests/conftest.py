"""Fixtures that every test can take."""

from hypothesis import HealthCheck, settings

from coingecko_pipeline_tests.browsers import browser
from coingecko_pipeline_tests.databases import (
    database,
    empty_database,
    kind,
    make_database,
    migrated_database,
    migrated_second,
    second,
    servers,
)
from coingecko_pipeline_tests.instances import instance

__all__ = [
    "browser",
    "database",
    "empty_database",
    "instance",
    "kind",
    "make_database",
    "migrated_database",
    "migrated_second",
    "second",
    "servers",
]

# No test is a stopwatch: on a machine at work anything can take long.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
