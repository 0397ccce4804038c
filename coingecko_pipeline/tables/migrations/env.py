"""Alembic's environment: the migrations run on the connection that `migrate` hands over."""

from alembic import context

from coingecko_pipeline.tables.metadata import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
)
with context.begin_transaction():
    context.run_migrations()
