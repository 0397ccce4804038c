"""Builds the wheel of the folder `coingecko_pipeline/warehouse`, as a package with a name of its own.

Two distributions that own one folder would delete each other's files. The folder imports itself by its full name, so
that name is replaced wherever it stands; line numbers stay as they are in the repository.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "coingecko_pipeline" / "warehouse"
NAME_IN_THE_REPOSITORY = "coingecko_pipeline.warehouse"
OWN_NAME = "dagster_mysql_io_manager"


class OwnName(BuildHookInterface[Any]):
    """Hatchling's hook: gives the wheel a renamed copy of the folder."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the copy; raises ValueError for what is not a whole wheel."""
        if self.target_name != "wheel" or version == "editable":
            raise ValueError(
                f"{HERE.name} is built as a wheel only, from a checkout of the whole repository: `make wheel`, or "
                "pip install without --editable"
            )
        self._copy = TemporaryDirectory()
        package = Path(self._copy.name) / OWN_NAME
        shutil.copytree(FOLDER, package, ignore=shutil.ignore_patterns("__pycache__"))
        for module in package.rglob("*.py"):
            text = module.read_text(encoding="utf-8")
            module.write_text(text.replace(NAME_IN_THE_REPOSITORY, OWN_NAME), encoding="utf-8")
        (package / "py.typed").touch()
        build_data["force_include"][str(package)] = OWN_NAME

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove the copy."""
        self._copy.cleanup()
