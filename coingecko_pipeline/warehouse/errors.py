"""What can go wrong with the warehouse.

::

    WarehouseError
    ├── DatabaseUrlError         the URL cannot be used: nothing was attempted
    ├── DatabaseUnavailable      the server did not let us in, was away for too long, or the file cannot be opened
    ├── StorageFull              the disk is full: rolled back
    ├── StatementRefused         the user may not, the server takes no changes, or a quota is used up: rolled back
    ├── SchemaVersionError       the tables are older or newer than this program, or another's
    ├── DeclarationError         a table, a guard or an asset's metadata cannot work as declared
    ├── InvalidFrameError        a frame does not fit its table: nothing was written
    ├── StoredValueError         the database holds a value that the declared column cannot
    └── RowsRefusedError         the server did not take the rows as they are: rolled back

All of them are permanent except `DatabaseUnavailable`: the same call again ends the same way. Deadlocks, lock waits
and lost connections are not here: `Database.run_in_transaction` tries those again and lets the last one through.
"""


class WarehouseError(Exception):
    """Base of everything that the warehouse raises on purpose. No message ever holds a password."""


class DatabaseUrlError(WarehouseError):
    """The database URL is empty, malformed, incomplete, or names a driver that the warehouse does not speak."""


class DatabaseUnavailable(WarehouseError):
    """The database could not be reached or refused the login; trying later can help."""


class StorageFull(WarehouseError):
    """The database has no space left; the transaction was rolled back."""


class StatementRefused(WarehouseError):
    """The database takes no such statement of this user, or none that changes anything; it was rolled back.

    Attributes:
        code: the server's error number; None on SQLite.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class SchemaVersionError(WarehouseError):
    """The database's tables belong to another version of this program than the one that runs, or to another program."""


class DeclarationError(WarehouseError):
    """What was declared (a table, its guard, the metadata of an asset) contradicts itself or is incomplete."""


class InvalidFrameError(WarehouseError):
    """A frame does not fit the declared table; the stored rows were left as they were."""


class StoredValueError(WarehouseError):
    """A value that the database holds is none of its column's declared type, so it cannot be loaded as it is."""


class RowsRefusedError(WarehouseError):
    """The database answered a bulk load with warnings or lost rows on the way; the transaction was rolled back."""
