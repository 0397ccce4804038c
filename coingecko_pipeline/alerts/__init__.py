"""What is posted to ALERT_WEBHOOK_URL when a run fails, and how."""

from coingecko_pipeline.alerts.channel import AlertChannel, AlertNotSent
from coingecko_pipeline.alerts.message import tell_failed_checks, tell_failure

__all__ = ["AlertChannel", "AlertNotSent", "tell_failed_checks", "tell_failure"]
