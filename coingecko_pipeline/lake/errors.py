"""What can go wrong with the lake. Whatever it is, its readers see what they saw before.

::

    LakeError
    ├── AddressRefused     LAKE_URI is no address that a lake can be at
    ├── ExtraMissing       what the lake is written with is not installed
    ├── LakeElsewhere      the lake is at another address than LAKE_URI
    └── LakeUnreadable     its files cannot be read or written, or some are gone
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

MISSING = (
    "The lake is written by pyiceberg, which is not installed: pip install 'coingecko-pipeline[lake]' installs it, or "
    "leave LAKE_URI empty."
)


class LakeError(Exception):
    """Base of everything that the lake raises on purpose; the message is one sentence for the user."""


class AddressRefused(LakeError):
    """LAKE_URI is no address that a lake can be at."""


class ExtraMissing(LakeError):
    """What the lake is written with is not installed."""


class LakeElsewhere(LakeError):
    """The lake is at another address than LAKE_URI; nothing was done."""


class LakeUnreadable(LakeError):
    """Files of the lake cannot be read or written, or some are gone."""


def assert_extra() -> None:
    """Do nothing where what the lake is written with is installed; it is not imported.

    Raises:
        ExtraMissing: It is not.
    """
    if find_spec("pyiceberg") is None:
        raise ExtraMissing(MISSING)


@contextmanager
def files_at(address: str) -> Iterator[None]:
    """Tell what is wrong with a store by its address, whichever program of it says so.

    Raises:
        LakeUnreadable: It does not take or give files.
    """
    from pyiceberg.exceptions import CommitFailedException

    try:
        yield
    except CommitFailedException as error:
        raise LakeUnreadable(
            f"Another program has changed the lake at {address} meanwhile, and nothing was written: run the same "
            "again, and let nobody else write into it."
        ) from error
    except FileNotFoundError as error:
        raise LakeUnreadable(
            f"A file of the lake at {address} is gone ({error.strerror or error}): coingecko-pipeline lake --delete "
            "takes away the rest, and coingecko-pipeline lake makes it again."
        ) from error
    except OSError as error:
        raise LakeUnreadable(
            f"The lake at {address} cannot be read or written ({error.strerror or error}): check the address, the "
            "rights and the room there; what was written before stays, and the next run goes on."
        ) from error
