"""What a sandbox is told: its market, its plan, its faults, its clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .clock import Clock, utc_now
from .errors import SandboxError
from .faults import check_faults
from .plans import PLANS

# The number of coins that CoinGecko listed in May 2026 was 17,397.
DEFAULT_COINS = 17_400
DEFAULT_SEED = 20_130_428
# Rehypothecated coins for each regular one: some 1,300 beside 17,400.
_REHYPOTHECATED_SHARE, _FEWEST_REHYPOTHECATED = 1_300 / 17_400, 6


def rehypothecated_beside(coins: int) -> int:
    """How many rehypothecated coins a market of so many regular ones has, as CoinGecko's has them; a few at least."""
    return max(_FEWEST_REHYPOTHECATED, round(coins * _REHYPOTHECATED_SHARE))


@dataclass(frozen=True, kw_only=True)
class SandboxOptions:
    """What a sandbox is to be; every field has a default.

    Attributes:
        coins: How many coins are active on every date, without the rehypothecated ones.
        rehypothecated: How many wrapped, staked and bridged coins are listed besides, which `/coins/markets` leaves out
            unless it is asked for them; `rehypothecated_beside` tells how many fit.
        seed: The market's and the faults' seed: the same seed gives the same answers.
        plan: The plan that is played, a name of `PLANS`; a paid plan makes it the paid host.
        api_key: The only key that is right, or None where every key in the plan's own header is.
        calls_per_minute: Answers in any 60 seconds; None takes the plan's own figure, 0 sets no limit.
        latency_seconds: How long every answer takes at least.
        faults: For each kind of fault (see `faults`) the share of requests that it hits.
        oddities: Whether some coins do what is odd on some dates (see `oddities`).
        revise_share: The share of coins of whose settled dates later charts say something else (see `revisions`).
        recordings: A folder of recorded answers to serve instead of the synthetic market, or None.
        clock: The sandbox's time in UTC. It decides what is today, and drives the rate limit.

    Raises:
        SandboxError: A value is not possible; the text is one sentence.
    """

    coins: int = DEFAULT_COINS
    rehypothecated: int = 0
    seed: int = DEFAULT_SEED
    plan: str = "demo"
    api_key: str | None = None
    calls_per_minute: int | None = None
    latency_seconds: float = 0.0
    faults: Mapping[str, float] = field(default_factory=dict)
    oddities: bool = False
    revise_share: float = 0.0
    recordings: Path | None = None
    clock: Clock = utc_now

    def __post_init__(self) -> None:
        if self.coins < 1:
            raise SandboxError(f"A market of {self.coins} coins is none; ask for at least 1.")
        if self.rehypothecated < 0:
            raise SandboxError(f"{self.rehypothecated} rehypothecated coins are not possible; 0 stands for none.")
        if self.plan not in PLANS:
            raise SandboxError(f"Unknown plan {self.plan!r}; known are {', '.join(PLANS)}.")
        if self.calls_per_minute is not None and self.calls_per_minute < 0:
            raise SandboxError(f"{self.calls_per_minute} calls a minute are not possible; 0 stands for no limit.")
        if self.latency_seconds < 0:
            raise SandboxError(f"A latency of {self.latency_seconds:g} seconds is not possible.")
        if not 0.0 <= self.revise_share <= 1.0:
            raise SandboxError(f"The share of coins with revisions is {self.revise_share:g}; it lies between 0 and 1.")
        if self.recordings is not None and not self.recordings.is_dir():
            raise SandboxError(f"There is no folder {self.recordings} to take recordings from.")
        check_faults(self.faults)
