"""What the documents name exists."""

import re
import subprocess
from pathlib import Path

import click
import pytest

from coingecko_pipeline.cli import cli
from coingecko_pipeline.settings import Settings
from coingecko_pipeline.tables import metadata

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


@each_document
def test_every_command_and_option_that_a_document_names_exists(path: Path) -> None:
    for line in re.findall(r"coingecko-pipeline ([a-z]+[^`\n]*)", path.read_text(encoding="utf-8")):
        name, *rest = line.split()
        command = cli.get_command(click.Context(cli), name)
        assert isinstance(command, click.Command), line
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, line


@each_document
def test_every_make_target_that_a_document_names_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:[A-Z_]+=\S* )?make ([a-z]+)`", text)) | set(re.findall(r"^make ([a-z]+)", text, re.M))
    assert named <= targets


@each_document
def test_every_file_that_a_document_links_to_exists(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_example_of_the_settings_has_each_of_them() -> None:
    named = set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    deployed = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    assert named == {name.upper() for name in Settings.model_fields} | {"DAGSTER_HOME"} | deployed


def test_the_readme_lists_every_table_but_those_that_are_nobodys_business() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    own = {"warehouse_origin", "api_rate", "api_recent_calls", "market_change_counter", "usage_writers"}
    own |= {"declared_views", "backups"}
    assert {name for name in metadata.tables if f"`{name}`" not in text} == own


def test_no_tracked_file_carries_the_address_of_an_index() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "*.lock"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    for name in tracked.split():
        assert "://" not in (ROOT / name).read_text(encoding="utf-8"), name
