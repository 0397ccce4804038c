"""Alembic's environment: the migrations run on the connection that `migrate` hands over."""

from alembic import context

from coingecko_pipeline.warehouse.migrations import VERSION_TABLE
from coingecko_pipeline.warehouse.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
