"""What is stored, copied into an Apache Iceberg warehouse on a folder or an object store, which any engine reads.

It follows the change log, so a run costs what has changed. pyiceberg comes with the extra `lake` and is imported where
a lake is opened. `docs/lake.md` tells how it is read.
"""

from coingecko_pipeline.lake.address import checked_address
from coingecko_pipeline.lake.errors import AddressRefused, ExtraMissing, LakeElsewhere, LakeError, LakeUnreadable

__all__ = ["AddressRefused", "ExtraMissing", "LakeElsewhere", "LakeError", "LakeUnreadable", "checked_address"]
