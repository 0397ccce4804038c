"""Which files the lake's tables are made of, as Iceberg's SQL catalog keeps it: the layout is Iceberg's own."""

from sqlalchemy import Column, PrimaryKeyConstraint, Table

from coingecko_pipeline.tables.metadata import metadata
from coingecko_pipeline.warehouse.types import ExactText

NAME = 255
"""The longest name, and the longest of a path's characters below, that every program with this catalog has room for."""

iceberg_tables = Table(
    "iceberg_tables",
    metadata,
    Column("catalog_name", ExactText(NAME), nullable=False, comment="always lake"),
    Column("table_namespace", ExactText(NAME), nullable=False, comment="whose data it holds, such as coingecko"),
    Column("table_name", ExactText(NAME), nullable=False, comment="the table"),
    Column("metadata_location", ExactText(1000), comment="address of the file that tells its current files"),
    Column("previous_metadata_location", ExactText(1000), comment="the same before the latest change"),
    Column("iceberg_type", ExactText(5), comment="TABLE; VIEW for what another program made"),
    PrimaryKeyConstraint("catalog_name", "table_namespace", "table_name"),
    comment="One table of the lake with the address of its metadata; a change of the lake is a change of this row",
    mysql_charset="utf8mb4",
)

iceberg_namespace_properties = Table(
    "iceberg_namespace_properties",
    metadata,
    Column("catalog_name", ExactText(NAME), nullable=False, comment="always lake"),
    Column("namespace", ExactText(NAME), nullable=False, comment="whose data the lake holds, such as coingecko"),
    Column("property_key", ExactText(NAME), nullable=False, comment="a property of it"),
    Column("property_value", ExactText(1000), nullable=False, comment="its value"),
    PrimaryKeyConstraint("catalog_name", "namespace", "property_key"),
    comment="One property of a namespace of the lake",
    mysql_charset="utf8mb4",
)
