"""The command `sandbox`."""

from collections.abc import Mapping
from pathlib import Path

import click

from .app import create_app
from .clock import parse_instant, running_from, utc_now
from .errors import SandboxError
from .faults import KINDS, parse_fault
from .options import DEFAULT_COINS, DEFAULT_SEED, SandboxOptions, rehypothecated_beside
from .plans import PLANS
from .server import LOOPBACK, SandboxServer, base_url, coinpaprika_url, listen

DEFAULT_PORT = 8765


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=DEFAULT_PORT, show_default=True, help="0: any free one."
)
@click.option("--host", default=LOOPBACK, show_default=True, help="0.0.0.0 inside a container, and nowhere else.")
@click.option("--coins", type=int, default=DEFAULT_COINS, show_default=True, help="Active coins on every date.")
@click.option(
    "--rehypothecated", type=int, help="Wrapped, staked and bridged coins besides.  [default: as many as fit]"
)
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True, help="The same seed, the same market.")
@click.option("--now", metavar="INSTANT", help="An ISO date or time (UTC) at which the sandbox's clock starts.")
@click.option("--latency-ms", type=float, default=0.0, show_default=True, help="How long an answer takes at least.")
@click.option("--per-minute", type=int, help="Calls in any 60 seconds; 0: no limit.  [default: the plan's]")
@click.option("--plan", type=click.Choice(list(PLANS)), default="demo", show_default=True, help="The plan to play.")
@click.option(
    "--fail",
    "faults",
    metavar="KIND=SHARE",
    multiple=True,
    help=f"A kind of fault and the share of calls that it hits; may be repeated. Kinds: {', '.join(KINDS)}.",
)
@click.option("--oddities", is_flag=True, help="Some coins do what is odd: spikes, stale rows, wrong supplies.")
@click.option(
    "--revise-share",
    type=float,
    default=0.0,
    show_default=True,
    help="Share of coins of whose past later charts say something else.",
)
@click.option(
    "--recordings", type=click.Path(path_type=Path), metavar="DIR", help="Serve recorded answers from this folder."
)
def sandbox(
    port: int,
    host: str,
    coins: int,
    rehypothecated: int | None,
    seed: int,
    now: str | None,
    latency_ms: float,
    per_minute: int | None,
    plan: str,
    faults: tuple[str, ...],
    oddities: bool,
    revise_share: float,
    recordings: Path | None,
) -> None:
    """Serve a CoinGecko look-alike with a synthetic market."""
    try:
        options = SandboxOptions(
            coins=coins,
            rehypothecated=rehypothecated_beside(coins) if rehypothecated is None else rehypothecated,
            seed=seed,
            plan=plan,
            calls_per_minute=per_minute,
            latency_seconds=latency_ms / 1000,
            faults=_shares(faults),
            oddities=oddities,
            revise_share=revise_share,
            recordings=recordings,
            clock=running_from(parse_instant(now)) if now else utc_now,
        )
        app = create_app(options)
    except SandboxError as error:
        raise click.UsageError(str(error)) from error
    try:
        listening = listen(port, host)
    except SandboxError as error:
        raise click.ClickException(str(error)) from error
    market = (
        f"recorded answers from {recordings}"
        if recordings
        else f"a synthetic market of {coins:,} coins and {options.rehypothecated:,} rehypothecated ones, no real prices"
    )
    url = base_url(listening)
    click.echo(
        f"{url} serves {market}, on the plan {plan}; point the pipeline at it with COINGECKO_BASE_URL={url} and, for "
        f"the second source, COINPAPRIKA_BASE_URL={coinpaprika_url(listening)}"
    )
    with listening:
        try:
            SandboxServer(app).run(sockets=[listening])
        except KeyboardInterrupt:
            click.echo("Stopped.")


def _shares(faults: tuple[str, ...]) -> Mapping[str, float]:
    shares: dict[str, float] = {}
    for fault in faults:
        kind, share = parse_fault(fault)
        if kind in shares:
            raise SandboxError(f"The share of {kind} is given twice.")
        shares[kind] = share
    return shares
