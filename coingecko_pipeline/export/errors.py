"""What can go wrong with an export. Whatever it is, no part of a file is left behind.

::

    ExportError
    ├── SelectionError     the table has not what the rows are chosen by, or the format cannot hold it
    ├── NothingToExport    no row was chosen
    └── FileRefused        the file exists, or cannot be written
"""


class ExportError(Exception):
    """Base of everything that an export raises on purpose."""


class SelectionError(ExportError):
    """The table has no such column to choose rows by, or holds what the format cannot: nothing was attempted."""


class NothingToExport(ExportError):
    """No row meets what was asked for; no file was made."""


class FileRefused(ExportError):
    """The file exists already, or cannot be written."""
