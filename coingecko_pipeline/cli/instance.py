"""The Dagster instance that the commands and the UI share."""

import os
import shutil
from pathlib import Path

import coingecko_pipeline

DEFAULT_HOME = Path("data") / "dagster"
DEMO_HOME = Path("data") / "demo" / "dagster"


def project_file(name: str) -> Path:
    """A file of the project's top level: from the checkout, or as the installed package carries it."""
    package = Path(coingecko_pipeline.__file__).parent
    carried = package / name
    return carried if carried.exists() else package.parent / name


def use_home(default: Path) -> Path:
    """Make DAGSTER_HOME a folder with the project's dagster.yaml in it; one that is set already stays as it is.

    Args:
        default: The folder where DAGSTER_HOME is not set.

    Returns:
        The folder.
    """
    if home := os.environ.get("DAGSTER_HOME"):
        return Path(home)
    folder = default.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(project_file("dagster.yaml"), folder / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder
