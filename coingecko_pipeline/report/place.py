"""Where a report may go: nothing is replaced but an earlier report."""

import os
from pathlib import Path

from coingecko_pipeline.report import ReportError

GENERATOR = "coingecko_pipeline"
"""What a report names as its generator; each since the first does."""

_MARK = f'<meta name="generator" content="{GENERATOR} '.encode()
_HEAD_BYTES = 4096
"""The head up to the mark takes under one thousand, hashes of the scripts included."""


def is_report(path: Path) -> bool:
    """Whether a file is a report of ours, of whatever version."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return _MARK in file.read(_HEAD_BYTES)


def check_place(path: Path, *, overwrite: bool = False, makes_folder: bool = True) -> None:
    """Do nothing where a report can be written.

    Args:
        path: The file.
        overwrite: Whether a file that is no report may be replaced.
        makes_folder: Whether its folder is created where it is missing.

    Raises:
        ReportError: Something else is there, or the folder is none or cannot be written into.
    """
    try:
        if path.is_dir():
            raise ReportError(f"{path} is a folder: name a file in it, such as {path / 'index.html'}.")
        if path.exists() and not path.is_file():  # a device or a pipe would be replaced by the file
            raise ReportError(f"{path} is no file: choose another name.")
        if path.exists() and not overwrite and not is_report(path):
            raise ReportError(
                f"{path} exists already and is no report: choose another file, or --overwrite (in a run's config "
                "`overwrite`) replaces it."
            )
        folder = path.absolute().parent
        there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
        if not there.is_dir():
            raise ReportError(f"{path} cannot be written, since {there} is no folder: choose another place.")
        if there != folder and not makes_folder:
            raise ReportError(
                f"{path} cannot be written, since there is no folder {folder}: make it, or choose another."
            )
        if not os.access(there, os.W_OK | os.X_OK):
            raise ReportError(f"{path} cannot be written: whoever runs this may not write into {there}.")
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror or error}.") from error
