"""The sign of life to a service that waits for it: a GET without a body, the one request that all of them take."""

from collections.abc import Callable
from datetime import UTC, datetime

from requests.adapters import BaseAdapter

from coingecko_pipeline.alerts.sending import SecretSender
from coingecko_pipeline.settings import AlertSettings
from coingecko_pipeline.sources.waiting import Clock


class Heartbeat:
    """Where the daily sign of life goes. Made anew for each evaluation of a sensor, which its patience is for.

    Args:
        settings: The address, or none.
        clock: Time of the retries.
        now: The current UTC time, aware.
        adapter: How requests are sent; by default over the network.
    """

    def __init__(
        self,
        settings: AlertSettings,
        *,
        clock: Clock | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        adapter: BaseAdapter | None = None,
    ) -> None:
        self._sender = SecretSender(
            "The heartbeat", "monitor", "HEARTBEAT_URL", settings.heartbeat_url, clock=clock, now=now, adapter=adapter
        )

    @property
    def is_set(self) -> bool:
        """Whether somebody waits for it."""
        return self._sender.is_set

    def beat(self) -> None:
        """Ask for the address once, with a bounded number of tries.

        Raises:
            AlertNotSent: There is no address, or it did not take the request.
        """
        self._sender.send("GET")
