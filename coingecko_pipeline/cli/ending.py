"""How the program ends with an error that no command expected."""

import sys

from sqlalchemy.exc import DBAPIError

from coingecko_pipeline.cli.full_disk import tell_full_disk
from coingecko_pipeline.cli.terminal import tell_problem
from coingecko_pipeline.settings import SettingsError
from coingecko_pipeline.warehouse import DatabaseUrlError, WarehouseError
from coingecko_pipeline.warehouse.failures import words_of

FAILED = 1
WRONG_USE = 2


def end_with(error: Exception) -> None:
    """End with one sentence, where an error is of the settings, the database or a full disk; nothing where it is not.

    Args:
        error: What the command raised.
    """
    if isinstance(error, SettingsError | DatabaseUrlError):
        what, sentence, code = "Settings", str(error), WRONG_USE
    elif isinstance(error, WarehouseError):
        what, sentence, code = "Database", str(error), FAILED
    elif told := tell_full_disk(error):
        what, sentence, code = "Full", told, FAILED
    elif isinstance(error, DBAPIError):
        what, code = "Database", FAILED
        sentence = f"it did not take a statement ({words_of(error)}); please report it"
    else:
        return
    tell_problem(what, sentence)
    sys.exit(code)
