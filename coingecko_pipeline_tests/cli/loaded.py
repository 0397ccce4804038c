"""A process that has loaded the program and forks for each command: to load it takes longer than most commands.

Each line of its standard input is a command as JSON: `arguments`, the program's name first, `folder`, `environment`,
and the files `stdout` and `stderr` that take what it says. It answers with a line that has the exit code.
"""

import gc
import json
import os
import sys
from importlib import import_module
from typing import Any

from coingecko_pipeline.cli import COMMANDS, main


def serve() -> None:
    """Answer until the input ends. In the process of a command it runs that, and does not return."""
    for line in sys.stdin:
        command = json.loads(line)
        child = os.fork()
        if not child:
            become(command)
            main()
            sys.exit()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def become(command: dict[str, Any]) -> None:
    """Make this process the one of a command."""
    for number, (path, flags) in enumerate(
        [
            (os.devnull, os.O_RDONLY),
            (command["stdout"], os.O_WRONLY | os.O_CREAT),
            (command["stderr"], os.O_WRONLY | os.O_CREAT),
        ]
    ):
        os.dup2(os.open(path, flags, 0o600), number)
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["environment"])
    sys.argv[:] = command["arguments"]


if __name__ == "__main__":
    for place in COMMANDS.values():
        import_module(place.partition(":")[0])
    # Else each process looks through all of it when it ends, which takes longer than a command.
    gc.freeze()
    serve()
