"""The views: rows of the tables as people ask for them, computed when they are read.

Each is declared once, as a select of the declared tables; `migrate` and the first use of a database make those that are
missing or have changed, on MySQL, MariaDB and SQLite alike. `coingecko-pipeline export` takes them like tables.
"""

from sqlalchemy import MetaData

from coingecko_pipeline.tables.metadata import metadata
from coingecko_pipeline.warehouse.views import Views, declare_record

view_metadata = MetaData()
"""All views; they are in no migration."""

declared_views = declare_record("declared_views", metadata)

VIEWS = Views(view_metadata, declared_views)
