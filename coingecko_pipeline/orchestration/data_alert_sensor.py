"""Who tells of the data: what is late, credits that will not last the month, and history that was revised."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import dagster as dg

from coingecko_pipeline.acquisition.pace import Shortfall, read_shortfall
from coingecko_pipeline.alerts import AlertChannel, AlertNotSent, tell_trouble
from coingecko_pipeline.market.revisions import Revisions, read_revisions
from coingecko_pipeline.orchestration.freshness import Late, late_tables
from coingecko_pipeline.orchestration.to_mend import ToMend, skip_to_mend
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.warehouse import Database

REVISED_WITHIN = timedelta(days=1)
"""Revisions of so long are counted together, and told once in so long."""
COINS_TOLD = 3


@dataclass
class Told:
    """What was told: the sensor's cursor.

    Attributes:
        late: The keys of the assets that were told and are late still.
        credits_of: The first day of the billing month whose shortfall was told; empty for none.
        revised_at: When revisions were told last, as ISO 8601; empty for never.
    """

    late: Sequence[str] = ()
    credits_of: str = ""
    revised_at: str = ""

    def may_tell_revisions(self, now: datetime) -> bool:
        """Whether the revisions of the latest time were not told yet."""
        return not self.revised_at or now - datetime.fromisoformat(self.revised_at) >= REVISED_WITHIN


@dg.sensor(
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Posts to ALERT_WEBHOOK_URL which tables are late, that the month's credits will not last for the "
    "snapshots, and that history was revised beyond ALERT_REVISED_VALUES, each once and with what to do. Without that "
    "setting it sends nothing.",
)
def data_alert_sensor(
    context: dg.SensorEvaluationContext,
    alerts: dg.ResourceParam[AlertChannel],
    now: dg.ResourceParam[Callable[[], datetime]],
    warehouse: dg.ResourceParam[Database],
    plan: dg.ResourceParam[Plan],
    alert_revised_values: dg.ResourceParam[int],
) -> dg.SkipReason:
    """Tell what is new; it counts as told whether the webhook takes the alert or not."""
    if not alerts.is_set:
        return dg.SkipReason("ALERT_WEBHOOK_URL is not set: nothing is sent of the data.")
    moment = now()
    told = Told(**json.loads(context.cursor)) if context.cursor else Told()
    texts = []

    late = late_tables(context.instance, plan, moment)
    if new := [each for each in late if each.asset.to_user_string() not in told.late]:
        texts.append(_tell_late(new, alerts.ui_url))
    told.late = [each.asset.to_user_string() for each in late]

    shortfall = read_shortfall(warehouse, plan, moment.date())
    if shortfall and told.credits_of != (month := shortfall.budget.month.first.isoformat()):
        texts.append(_tell_shortfall(shortfall, alerts.ui_url))
        told.credits_of = month

    if told.may_tell_revisions(moment):
        revisions = read_revisions(warehouse, since=moment - REVISED_WITHIN, limit=COINS_TOLD)
        if revisions.values >= alert_revised_values:
            texts.append(_tell_revisions(revisions, alerts.ui_url))
            told.revised_at = moment.isoformat()

    unsent = []
    for text in texts:
        try:
            alerts.post(text)
        except AlertNotSent as error:
            unsent.append(f"{error} It was: {text}")
    context.update_cursor(json.dumps(asdict(told)))
    if unsent:
        return skip_to_mend(ToMend.ALERT_NOT_SENT, " ".join(unsent))
    return dg.SkipReason(f"Alerts sent of the data: {len(texts)}.")


ADVICE_OF_TABLES: Mapping[str, str] = {
    "hourly_market": "look at the ticks of hourly_market_schedule and its latest run; hours that are over stay empty.",
}
DAILY_ADVICE = (
    "look under Automation whether the daily schedule is on and what its latest tick says, then at its latest run; "
    "materialize today's partition, or run coingecko-pipeline daily."
)


def _tell_late(late: Sequence[Late], ui_url: str) -> str:
    facts = [f"What: {each.asset.to_user_string()}, last made {each.made_at:%Y-%m-%d %H:%M} UTC" for each in late]
    advice = [ADVICE_OF_TABLES.get(each.asset.path[-1], DAILY_ADVICE) for each in late]
    return tell_trouble("data are late", facts, " ".join(dict.fromkeys(advice)), f"{ui_url}/assets")


def _tell_shortfall(shortfall: Shortfall, ui_url: str) -> str:
    budget = shortfall.budget
    facts = [
        f"What: {shortfall.missing:,} credits will be missing by {budget.month.last}, so snapshots will be.",
        f"Why: of the plan {budget.plan}'s {budget.credits:,} credits since {budget.month.first}, {budget.spent:,} are "
        f"spent and {budget.reserved:,} needed by the snapshots to come; others use some {shortfall.elsewhere:,} a day "
        "with the same key.",
    ]
    advice = (
        "use the key less elsewhere, lower HOURLY_TOP, or take a larger plan. If CoinGecko counts otherwise, set "
        "COINGECKO_BILLING_DAY or COINGECKO_CREDITS_PER_MONTH."
    )
    return tell_trouble("the credits will not last the month", facts, advice, f"{ui_url}/automation")


def _tell_revisions(revisions: Revisions, ui_url: str) -> str:
    facts = [f"{coin.asset_id}: {coin.values:,} values of {coin.first} to {coin.last}" for coin in revisions.coins]
    return tell_trouble(
        f"CoinGecko revised {revisions.values:,} values of days that were over",
        facts,
        "nothing is lost: the old values are in market_revisions, and the derived tables follow by themselves. Make "
        "again what you have exported or computed elsewhere of these dates.",
        f"{ui_url}/assets",
    )
