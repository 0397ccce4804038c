"""The rows of a table as a file for other tools: Parquet, Arrow or CSV. It knows nothing of CoinGecko or Dagster.

`docs/export.md` tells what the files hold.
"""

from coingecko_pipeline.export.attribution import Attribution, sidecar_of, source_in
from coingecko_pipeline.export.conversion import Conversion
from coingecko_pipeline.export.errors import ExportError, FileRefused, NothingToExport, SelectionError
from coingecko_pipeline.export.files import Export, Exported
from coingecko_pipeline.export.formats import FORMATS
from coingecko_pipeline.export.labels import LABELS
from coingecko_pipeline.export.selection import Selection, date_column

__all__ = [
    "FORMATS",
    "LABELS",
    "Attribution",
    "Conversion",
    "Export",
    "ExportError",
    "Exported",
    "FileRefused",
    "NothingToExport",
    "Selection",
    "SelectionError",
    "date_column",
    "sidecar_of",
    "source_in",
]
