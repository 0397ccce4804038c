"""What differs between stored rows and the same rows made again: counted by kind, with examples."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

EXAMPLES = 20
"""Differences of each kind that are listed."""

Kind = Literal["missing", "different", "surplus"]
KINDS: tuple[Kind, ...] = ("missing", "different", "surplus")


@dataclass
class RowDifferences:
    """What differs in some rows of one table.

    Attributes:
        rows: Stored rows that were compared.
        missing: Rows that are made again and the table lacks.
        different: Rows that differ.
        surplus: Stored rows that are not made.
        examples: Some of each kind, as coin and date.
    """

    rows: int = 0
    missing: int = 0
    different: int = 0
    surplus: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    SUMMED: ClassVar[tuple[str, ...]] = ("rows", *KINDS)
    """The attributes of which the sum is that of the parts."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing differs."""
        return not (self.missing or self.different or self.surplus)

    def count(self, kind: Kind, number: int, examples: Sequence[str]) -> None:
        """Count differences of one kind, of which some are told."""
        setattr(self, kind, getattr(self, kind) + number)
        shown = self.examples.setdefault(kind, [])
        shown += examples[: EXAMPLES - len(shown)]

    def merge(self, other: Self) -> None:
        """Count those of other rows too."""
        for name in self.SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for kind, examples in other.examples.items():
            shown = self.examples.setdefault(kind, [])
            shown += examples[: EXAMPLES - len(shown)]
