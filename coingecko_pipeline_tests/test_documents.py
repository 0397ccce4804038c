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


def test_the_tables_are_listed_but_those_that_are_nobodys_business() -> None:
    text = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    own = {"warehouse_origin", "api_rate", "api_recent_calls", "market_change_counter", "usage_writers"}
    own |= {"declared_views", "backups"}
    assert {name for name in metadata.tables if f"`{name}`" not in text} == own


def test_the_decisions_are_numbered_without_a_gap_and_the_index_has_each_by_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = sorted(folder.glob("0*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    titles = [page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ") for page in pages]
    lines = [
        re.sub(r"^(\d+\.) (.*)$", rf"\1 [\2]({page.name})", title) for page, title in zip(pages, titles, strict=True)
    ]
    index = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in index if re.match(r"\d+\. ", line)] == lines
    assert all(title.startswith(f"{number}. ") for number, title in enumerate(titles, start=1))


def test_the_list_of_documents_has_each_of_them() -> None:
    docs = ROOT / "docs"
    linked = set(re.findall(r"\]\(([^)#]+)", (docs / "README.md").read_text(encoding="utf-8")))
    pages = {page.name for pattern in ("*.md", "*.ipynb") for page in docs.glob(pattern)} - {"README.md"}
    assert pages <= linked


def test_no_tracked_file_carries_the_address_of_an_index() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "*.lock"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    for name in tracked.split():
        assert "://" not in (ROOT / name).read_text(encoding="utf-8"), name
