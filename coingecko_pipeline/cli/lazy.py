"""Commands that are imported when they are named; the list of all reads what it tells of each from its source."""

import ast
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

import coingecko_pipeline
from coingecko_pipeline.cli.terminal import ERRORS

WHOLE = 1_000
"""Letters of the sentence that tells of a command: none is cut."""


class LazyGroup(click.Group):
    """A group of commands of which only the one that runs is imported.

    Args:
        places: Each command by its name, as `module:function`.
    """

    def __init__(self, *arguments: Any, places: Mapping[str, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names, sorted."""
        return sorted(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name, imported now; None where there is none."""
        if cmd_name not in self._places:
            return None
        module, name = self._places[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called. Its import can take a second or two on a busy machine, and is seen."""
        with ERRORS.status("Starting"):
            return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, without importing them."""
        told = [
            (name, click.Command(name, help=_docstring(self._places[name])).get_short_help_str(WHOLE))
            for name in self.list_commands(ctx)
        ]
        with formatter.section("Commands"):
            formatter.write_dl(told)


def _docstring(place: str) -> str | None:
    module, name = place.split(":")
    # Python's own way to a module's file imports the packages above it.
    path = Path(coingecko_pipeline.__file__).parent.joinpath(*module.split(".")[1:]).with_suffix(".py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return ast.get_docstring(node)
    return None
