"""The post to the webhook: JSON with a ``text``, which Slack and the services that are compatible with it take."""

from collections.abc import Callable
from datetime import UTC, datetime

from requests.adapters import BaseAdapter

from coingecko_pipeline.alerts.sending import SecretSender
from coingecko_pipeline.settings import AlertSettings
from coingecko_pipeline.sources.waiting import Clock


class AlertChannel:
    """Where alerts go. Made anew for each evaluation of a sensor, which its patience is for.

    Args:
        settings: The webhook, or none, and where the UI is.
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
        self.ui_url = settings.dagster_ui_url.rstrip("/")
        self._sender = SecretSender(
            "The alert",
            "webhook",
            "ALERT_WEBHOOK_URL",
            settings.alert_webhook_url,
            clock=clock,
            now=now,
            adapter=adapter,
        )

    @property
    def is_set(self) -> bool:
        """Whether there is a webhook to post to."""
        return self._sender.is_set

    def post(self, text: str) -> None:
        """Post a text, with a bounded number of tries.

        Args:
            text: As `message` makes it.

        Raises:
            AlertNotSent: There is no webhook, or it did not take the text.
        """
        self._sender.send("POST", {"text": text})
