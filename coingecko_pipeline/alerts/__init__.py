"""What is posted to ALERT_WEBHOOK_URL when something is wrong, and the daily heartbeat when all is well."""

from coingecko_pipeline.alerts.channel import AlertChannel
from coingecko_pipeline.alerts.heartbeat import Heartbeat
from coingecko_pipeline.alerts.message import tell_failed_checks, tell_failure, tell_trouble
from coingecko_pipeline.alerts.sending import AlertNotSent

__all__ = ["AlertChannel", "AlertNotSent", "Heartbeat", "tell_failed_checks", "tell_failure", "tell_trouble"]
