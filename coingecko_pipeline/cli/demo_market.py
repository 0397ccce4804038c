"""The settings with which the demo's market is made and read, whatever the environment says."""

from pydantic import SecretStr

from coingecko_pipeline.cli.demo_place import DEMO_DATABASE, DEMO_REPORT
from coingecko_pipeline.settings import Settings, load_settings

# Of the sandbox's plans the one whose rate the demo's 171 calls stay below.
DEMO_PLAN = "analyst"
DEMO_KEY = SecretStr("CG-sandbox")


def demo_settings(coingecko_url: str | None = None, coinpaprika_url: str | None = None) -> Settings:
    """The demo's settings, whatever the environment says.

    Args:
        coingecko_url: Of the sandbox, in CoinGecko's place; None for who makes no call.
        coinpaprika_url: Of the sandbox, in CoinPaprika's place.
    """
    return load_settings(
        coingecko_api_key=DEMO_KEY,
        coingecko_plan=DEMO_PLAN,
        coingecko_base_url=coingecko_url,
        coingecko_calls_per_minute=None,
        coingecko_credits_per_month=None,
        coingecko_history_days=None,
        coingecko_billing_day=None,
        coinpaprika_base_url=coinpaprika_url,
        database_url=SecretStr(f"sqlite:///{DEMO_DATABASE}"),
        report_path=DEMO_REPORT,
    )


def chosen_settings(*, on_demo: bool) -> Settings:
    """The settings of a command that reads: those of the demo, or of the environment."""
    return demo_settings() if on_demo else load_settings()
