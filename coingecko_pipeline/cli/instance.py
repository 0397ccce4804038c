"""The Dagster instance that the commands and the UI share."""

import os
import shutil
from pathlib import Path

import coingecko_pipeline
from coingecko_pipeline.cli.demo_place import DEMO_HOME
from coingecko_pipeline.cli.home_passwords import password_in
from coingecko_pipeline.secret_files import ReadableByOthers, refuse_readable_by_others
from coingecko_pipeline.settings import DEFAULT_DAGSTER_HOME, SettingsError


def project_file(name: str) -> Path:
    """A file of the project's top level: from the checkout, or as the installed package carries it."""
    package = Path(coingecko_pipeline.__file__).parent
    carried = package / name
    return carried if carried.exists() else package.parent / name


def use_home() -> Path:
    """The instance's home: DAGSTER_HOME as it is set, else data/dagster with the project's dagster.yaml in it.

    Raises:
        SettingsError: DAGSTER_HOME is no folder that Dagster takes, or its dagster.yaml has a password that others can
            read.
    """
    if home := os.environ.get("DAGSTER_HOME"):
        if not Path(home).is_absolute():
            raise SettingsError(f"DAGSTER_HOME is {home!r}; write the whole path of a folder, which begins with /.")
        if not Path(home).is_dir():
            raise SettingsError(f"DAGSTER_HOME is {home!r}, and there is no such folder; make it, or name another.")
        _refuse_open_file(Path(home) / "dagster.yaml")
        return Path(home)
    return _make_home(DEFAULT_DAGSTER_HOME)


def use_demo_home() -> Path:
    """The demo's own home, wherever DAGSTER_HOME points: runs on a synthetic market are no history of a live one."""
    return _make_home(DEMO_HOME)


def _refuse_open_file(path: Path) -> None:
    if path.is_file() and (place := password_in(path)):
        try:
            refuse_readable_by_others(path, f"a password ({place})")
        except ReadableByOthers as error:
            raise SettingsError(str(error)) from None


def _make_home(relative: Path) -> Path:
    folder = relative.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(project_file("dagster.yaml"), folder / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder
