"""Runs commands of whichever version of the program is first on PYTHONPATH, all in one process.

Importing Dagster takes longer than what most commands do.

python -m coingecko_pipeline_tests.previous_version.commands '[["migrate"], ["verify"]]'
"""

import json
import sys
from collections.abc import Sequence

from coingecko_pipeline.cli import cli


def run(arguments: Sequence[str]) -> None:
    """One command of the program.

    Raises:
        SystemExit: It failed.
    """
    try:
        cli(list(arguments), standalone_mode=False)
    except SystemExit as ended:
        if ended.code:
            sys.exit(f"{' '.join(arguments)} ended with {ended.code}")


if __name__ == "__main__":
    for command in json.loads(sys.argv[1]):
        run(command)
