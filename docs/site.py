"""What the site needs beyond the files of docs/: the pages of the checkout's top level, and the API from docstrings."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
TOP = {"README.md": "index.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "CHANGELOG.md": "CHANGELOG.md"}
"""Pages of the top level, and what they are in the site."""
API = {
    "market": ("The market in Python: reference", "coingecko_pipeline.analysis"),
    "warehouse": ("The IO manager: reference", "coingecko_pipeline.warehouse"),
}
"""Pages of the reference: title, and the package whose public names they show."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not in docs/."""
    files.remove(files.src_uris["README.md"])
    listed = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    files.append(File.generated(config, "documents.md", content=listed))
    for source, page in TOP.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        text = re.sub(r"\]\(docs/", "](", text).replace("](README.md", "](documents.md")
        files.append(File.generated(config, page, content=text))
    for name, (title, package) in API.items():
        files.append(File.generated(config, f"api/{name}.md", content=f"# {title}\n\n{_reference(package)}"))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Links to the checkout's top level, as the site has it; what it has not stays as words."""
    for source, target in TOP.items():
        markdown = markdown.replace(f"](../{source}", f"]({target}").replace(f"](../../{source}", f"](../{target}")
    return re.sub(r"\[([^\]]+)\]\((?:analysis\.ipynb|LICENSE|\.env\.example)\)", r"\1", markdown)


def _reference(package: str) -> str:
    """Each public name of a package, by its docstring."""
    source = (ROOT / package.replace(".", "/") / "__init__.py").read_text(encoding="utf-8")
    names = re.findall(r'"(\w+)"', source[source.index("__all__") :].partition("]")[0])
    # What is called comes before what is raised.
    return "\n".join(f"::: {package}.{name}\n" for name in sorted(names, key=lambda name: name[0].isupper()))
