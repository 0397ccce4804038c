"""Every setting, read from the environment (and from ``.env`` in the working folder) in this one place."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from coingecko_pipeline.coingecko.plans import Plan, PlanError, choose_plan

DEFAULT_DATABASE_URL = "sqlite:///data/coingecko.db"


class SettingsError(ValueError):
    """A setting is malformed or does not fit another one; the message is one sentence for the user."""


class Settings(BaseSettings):
    """The settings, each one an environment variable of the same name in capitals.

    Attributes:
        coingecko_api_key: The CoinGecko API key; none for the keyless plan. Never shown.
        coingecko_plan: The plan's name; by default demo with a key and keyless without.
        coingecko_base_url: Another address than the plan's own, for a proxy or the sandbox.
        coingecko_calls_per_minute: The plan's calls a minute, where they differ from the published figure.
        coingecko_credits_per_month: The plan's credits a month, where they differ.
        coingecko_history_days: The plan's days of history, where they differ.
        coingecko_billing_day: The day of the month, 1 to 31, on which the plan's credits begin anew.
        coinpaprika_base_url: Another address than CoinPaprika's own, for a proxy or the sandbox.
        database_url: Where the tables are: ``sqlite:///path`` or ``mysql+pymysql://user:password@host:port/database``.
            Holds a password, so it is never shown whole.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    coingecko_api_key: SecretStr | None = None
    coingecko_plan: str | None = None
    coingecko_base_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+")
    coingecko_calls_per_minute: int | None = Field(default=None, gt=0)
    coingecko_credits_per_month: int | None = Field(default=None, gt=0)
    coingecko_history_days: int | None = Field(default=None, gt=0)
    coingecko_billing_day: int | None = Field(default=None, ge=1, le=31)
    coinpaprika_base_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+")
    database_url: SecretStr = SecretStr(DEFAULT_DATABASE_URL)

    @property
    def plan(self) -> Plan:
        """The CoinGecko plan with the user's own figures.

        Raises:
            SettingsError: The plan is unknown, or it and the key do not fit together.
        """
        try:
            return choose_plan(
                self.coingecko_plan,
                has_key=self.coingecko_api_key is not None,
                base_url=self.coingecko_base_url,
                calls_per_minute=self.coingecko_calls_per_minute,
                credits_per_month=self.coingecko_credits_per_month,
                history_days=self.coingecko_history_days,
                billing_day=self.coingecko_billing_day,
            )
        except PlanError as error:
            raise SettingsError(str(error)) from None


def load_settings(**overrides: Any) -> Settings:
    """Read and check all settings.

    Args:
        overrides: Values that win over the environment, by attribute.

    Raises:
        SettingsError: A setting is malformed, or the plan and the key do not fit together.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(" ".join(_sentence(problem) for problem in error.errors(include_input=False))) from None
    key = settings.coingecko_api_key
    if key is not None and (not key.get_secret_value().isascii() or not key.get_secret_value().isprintable()):
        raise SettingsError(
            "COINGECKO_API_KEY holds a character that no key has; copy it again, without quotes or line ends."
        )
    _ = settings.plan
    return settings


def _sentence(problem: Mapping[str, Any]) -> str:
    name = "_".join(str(part) for part in problem["loc"]).upper()
    wants = {
        "int_parsing": "must be a whole number",
        "greater_than": "must be above 0",
        "greater_than_equal": "must be a day of the month, 1 to 31",
        "less_than_equal": "must be a day of the month, 1 to 31",
        "string_pattern_mismatch": "must be an address that begins with http:// or https://",
    }
    return (
        f"{name} {wants.get(problem['type'], str(problem['msg']).lower())}; correct it in the environment or in .env."
    )
