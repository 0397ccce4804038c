"""Files that hold secrets, and who else can read them."""

import os
import stat
from pathlib import Path
from urllib.parse import urlsplit


class ReadableByOthers(ValueError):
    """A file holds a secret, and others can read it; the message says what to do."""


def refuse_readable_by_others(path: Path, holds: str) -> None:
    """Do nothing where only who may know a secret can read its file.

    Others may do nothing with it. Its group may read it where it is root's: so services are given a file that they
    cannot change, and an orchestrator mounts its secrets.

    Args:
        path: The file.
        holds: The secret's name.

    Raises:
        ReadableByOthers: They can; on POSIX alone, since elsewhere a mode says nothing.
    """
    if os.name != "posix":
        return
    status = path.stat()
    theirs = stat.S_IRWXO | (stat.S_IWGRP if status.st_uid == 0 else stat.S_IRWXG)
    if status.st_mode & theirs:
        raise ReadableByOthers(
            f"{path} holds {holds}, and other users of this machine can read or change it "
            f"(mode {stat.S_IMODE(status.st_mode):04o}): run chmod 600 {path}, and change the secret where others may "
            "have seen it."
        )


def has_password(url: str) -> bool:
    """Whether an address holds a password; one that cannot be read counts as if it did."""
    try:
        return bool(urlsplit(url).password)
    except ValueError:
        return True
