"""A sensor as the daemon evaluates it, and the alerts that arrive."""

import json
from typing import Any

import dagster as dg
from pydantic import SecretStr

from coingecko_pipeline.alerts import AlertChannel
from coingecko_pipeline.orchestration.sensors import ALL_SENSORS
from coingecko_pipeline.settings import AlertSettings
from coingecko_pipeline_tests.alerts.receiving import SECRET
from coingecko_pipeline_tests.fakes import FakeClock, FakeServer


class Hook(FakeServer):
    """A fake webhook, and the texts that it was sent."""

    @property
    def texts(self) -> list[str]:
        return [json.loads(request.body or b"")["text"] for request in self.requests]


def channel_to(hook: FakeServer | None) -> AlertChannel:
    """A channel to a webhook, or to none."""
    url = SecretStr(f"https://hooks.example/services/{SECRET}") if hook else None
    clock = FakeClock()
    return AlertChannel(
        AlertSettings(alert_webhook_url=url, dagster_ui_url="https://dagster.example/", _env_file=None),
        clock=clock,
        now=clock.now,
        adapter=hook,
    )


class Watch:
    """A sensor as the daemon evaluates it: each evaluation begins where the one before it ended.

    Args:
        name: The sensor.
        instance: Where the runs are kept; None for a sensor that does not ask for it.
        resources: What it is evaluated with.

    Attributes:
        definition: The sensor.
        cursor: Where the next evaluation begins.
    """

    def __init__(self, name: str, instance: dg.DagsterInstance | None, **resources: Any) -> None:
        (self.definition,) = (sensor for sensor in ALL_SENSORS if sensor.name == name)
        self._name = name
        self._instance = instance
        self.resources = resources
        self.cursor: str | None = None

    def evaluate(self) -> Any:
        """What the sensor answers."""
        with dg.build_sensor_context(
            instance=self._instance, cursor=self.cursor, resources=self.resources, sensor_name=self._name
        ) as context:
            data = self.definition.evaluate_tick(context)
        self.cursor = data.cursor
        return data

    def told(self) -> str:
        """Evaluate it; the reason of the skipped tick."""
        return str(self.evaluate().skip_message)
