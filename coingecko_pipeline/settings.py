"""Every setting, read from the environment (and from ``.env`` in the working folder) in this one place."""

import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values, load_dotenv
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from coingecko_pipeline.secret_files import ReadableByOthers, has_password, refuse_readable_by_others
from coingecko_pipeline.sources.coingecko.plans import Plan, PlanError, choose_plan
from coingecko_pipeline.sources.coingecko.rates import CURRENCY_CODE

DEFAULT_DATABASE_URL = "sqlite:///data/coingecko.db"
DEFAULT_REPORT_PATH = Path("data") / "report" / "index.html"
DEFAULT_MEASURES_MEMORY_MB = 256
DEFAULT_KEEP_PAGES_DAYS = 30
DEFAULT_LAKE_KEEP_DAYS = 7
DEFAULT_ALERT_REVISED_VALUES = 2_000
DEFAULT_KEEP_EVENTS_DAYS = 90
FEWEST_EVENTS_DAYS = 7
"""A sensor that was off, or a machine that was, for so long still finds what happened meanwhile."""
DEFAULT_DAGSTER_HOME = Path("data") / "dagster"
DEFAULT_UI_URL = "http://127.0.0.1:3000"

ENV_FILE = Path(".env")
"""In the working folder."""
ENV_FILE_ENCODING = "utf-8-sig"
"""With the mark that some editors put before UTF-8 and without it: the first variable's name would begin with it."""

API_KEY = re.compile(r"[A-Za-z0-9._~+/=-]+")
"""Characters of a key: what a header takes as a token (RFC 6750); CoinGecko's are letters, digits and -."""

ADDRESS = r"^https?://[^\s/]+"
HOSTS = ("github", "gitlab")
"""What Dagster can link a line of code to."""

S = TypeVar("S", bound="_FromEnvironment")


class SettingsError(ValueError):
    """A setting is malformed or does not fit another one; the message is one sentence for the user."""


class _FromEnvironment(BaseSettings):
    """Settings from the environment and from .env."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding=ENV_FILE_ENCODING,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic names what it hands over
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[Any, ...]:
        """A variable that is set wins over its line of ``.env`` also where it is empty: the demo unsets so."""

        def lines_that_count() -> dict[str, Any]:
            return {name: value for name, value in dotenv_settings().items() if name.upper() not in os.environ}

        return init_settings, env_settings, lines_that_count


class AlertSettings(_FromEnvironment):
    """The settings of the alerts. They are read alone too, since an alert has to tell that another setting is wrong.

    Attributes:
        alert_webhook_url: Where an alert is posted to; without it none is sent. Who has it can post there, so it is
            never shown.
        heartbeat_url: What is asked for once a day when the day's snapshot is stored and its checks passed; without it
            nothing is. Never shown either.
        alert_revised_values: So many values of days that were over, revised within one day, are told: the year of one
            coin has 1,095 (365 prices, volumes and market caps), so one coin that was mended is not told.
        dagster_ui_url: Where its reader finds the Dagster UI, for the link to the run.
    """

    alert_webhook_url: SecretStr | None = None
    heartbeat_url: SecretStr | None = None
    alert_revised_values: int = Field(default=DEFAULT_ALERT_REVISED_VALUES, gt=0)
    dagster_ui_url: str = Field(default=DEFAULT_UI_URL, pattern=ADDRESS)

    @field_validator("*", mode="before")
    @classmethod
    def _without_blanks(cls, value: Any) -> Any:
        """No setting begins or ends with a blank, which a copy or the file of a secret easily brings."""
        return value.strip() if isinstance(value, str) else value


class CatalogueSettings(_FromEnvironment):
    """The settings of what Dagster tells of the assets. They are read when the definitions are loaded.

    Attributes:
        database_url: Where the tables are: ``sqlite:///path`` or ``mysql+pymysql://user:password@host:port/database``.
            Holds a password, so it is never shown whole.
        report_path: The HTML file that the report is written to.
        report_url: Where that file is served; the UI links to it.
        git_url: The repository of this code on GitHub or GitLab, for links to the code and the documents; without it
            they are told as files.
        git_branch: The branch, tag or commit of it that is at work.
    """

    model_config = SettingsConfigDict(frozen=True)

    database_url: SecretStr = SecretStr(DEFAULT_DATABASE_URL)
    report_path: Path = DEFAULT_REPORT_PATH
    report_url: str | None = Field(default=None, pattern=ADDRESS)
    git_url: str | None = Field(default=None, pattern=ADDRESS)
    git_branch: str = "main"

    @field_validator("git_url")
    @classmethod
    def _of_a_known_host(cls, value: str | None) -> str | None:
        if value is not None and not any(host in value for host in HOSTS):
            raise PydanticCustomError("git", f"must be the address of a repository on {' or '.join(HOSTS)}")
        return value.removesuffix("/").removesuffix(".git") if value else value


class Settings(AlertSettings, CatalogueSettings):
    """The settings, each one an environment variable of the same name in capitals; those above among them.

    Attributes:
        coingecko_api_key: The CoinGecko API key; none for the keyless plan. Never shown.
        coingecko_plan: The plan's name; by default demo with a key and keyless without.
        coingecko_base_url: Another address than the plan's own, for a proxy or the sandbox.
        coingecko_calls_per_minute: The plan's calls a minute, where they differ from the published figure.
        coingecko_credits_per_month: The plan's credits a month, where they differ.
        coingecko_history_days: The plan's days of history, where they differ.
        coingecko_billing_day: The day of the month, 1 to 31, on which the plan's credits begin anew.
        hourly_top: How many of the largest coins are asked for in each hour; 0 for none.
        keep_pages_days: Days for which the pages of the markets are kept as received; 0 for not at all.
        keep_events_days: Days for which Dagster's own records of a run are kept after its end, but for what its UI
            needs.
        currencies: The currencies whose past is completed by itself, by their codes, with commas in between.
        lake_uri: The folder, or the address of an object store, where a copy of what is stored is kept as Iceberg
            tables; none for no lake.
        lake_keep_days: Days for which a version of the lake can be read after a newer one has taken its place.
        coinpaprika_base_url: Another address than CoinPaprika's own, for a proxy or the sandbox.
        measures_memory_mb: Megabytes that a MySQL or MariaDB server may use for each intermediate table of a statement
            that computes a derived table, and an eighth of it for each sort; two such statements run at a time.
        flag_spike_factor: A price this many times the ones before and after it, or this part of them, is a spike: 5
            happens once in 47,000 recorded days of 35 coins, 3 twice and 2 ten times.
        flag_cap_off_pct: So many percent that a market cap is off price times circulating supply are told: 97.8 % of
            3,000 recorded rows are off by less than 1, and those by more than 25 stand apart (0.3 %).
        flag_volume_times_cap: A volume of 24 hours above so many times the market cap is told: above once, every coin
            in circulation was sold within the day (1.6 % of recorded rows).
        flag_candle_off_pct: So many percent that a price is outside of a day's low to high are told: 2 % of recorded
            rows are outside, by 0.08 in the median, since not all is read at one moment; 0.14 % are by more than 1.
    """

    coingecko_api_key: SecretStr | None = None
    coingecko_plan: str | None = None
    coingecko_base_url: str | None = Field(default=None, pattern=ADDRESS)
    coingecko_calls_per_minute: int | None = Field(default=None, gt=0)
    coingecko_credits_per_month: int | None = Field(default=None, gt=0)
    coingecko_history_days: int | None = Field(default=None, gt=0)
    coingecko_billing_day: int | None = Field(default=None, ge=1, le=31)
    hourly_top: int = Field(default=0, ge=0)
    keep_pages_days: int = Field(default=DEFAULT_KEEP_PAGES_DAYS, ge=0, le=36_500)
    keep_events_days: int = Field(default=DEFAULT_KEEP_EVENTS_DAYS, ge=FEWEST_EVENTS_DAYS, le=36_500)
    currencies: Annotated[tuple[str, ...], NoDecode] = ()
    lake_uri: str | None = None
    lake_keep_days: int = Field(default=DEFAULT_LAKE_KEEP_DAYS, ge=1, le=36_500)
    coinpaprika_base_url: str | None = Field(default=None, pattern=ADDRESS)
    measures_memory_mb: int = Field(default=DEFAULT_MEASURES_MEMORY_MB, ge=16, le=16_384)
    flag_spike_factor: float = Field(default=5.0, gt=2, le=1e6)
    flag_cap_off_pct: float = Field(default=25.0, ge=0, le=1e6)
    flag_volume_times_cap: float = Field(default=1.0, ge=0, le=1e6)
    flag_candle_off_pct: float = Field(default=1.0, ge=0, le=100)

    @field_validator("currencies", mode="before")
    @classmethod
    def _codes(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        codes = tuple(code.strip().lower() for code in value.split(",") if code.strip())
        if wrong := [code for code in codes if not CURRENCY_CODE.fullmatch(code)]:
            raise PydanticCustomError("currency", f"has {wrong[0]!r}, which is no code of a currency; write eur,gbp")
        return codes

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
                hourly_top=self.hourly_top,
            )
        except PlanError as error:
            raise SettingsError(str(error)) from None


class ServerSettings(_FromEnvironment):
    """The deployment's database server and its accounts, each one an environment variable of the same name in capitals.

    Attributes:
        database_host: Where the server is.
        database_port: Its port.
        database_admin: The user who may create databases and accounts.
        mysql_root_password: That user's password.
        mysql_migrator_password: The password of the account that changes tables.
        mysql_pipeline_password: The password of the account that reads and writes rows.
        mysql_dagster_password: The password of the account for Dagster's storage.
        mysql_reader_password: The password of the account that only reads.
    """

    database_host: str = "mysql"
    database_port: int = Field(default=3306, gt=0)
    database_admin: str = "root"
    mysql_root_password: SecretStr
    mysql_migrator_password: SecretStr
    mysql_pipeline_password: SecretStr
    mysql_dagster_password: SecretStr
    mysql_reader_password: SecretStr

    @property
    def passwords(self) -> Mapping[str, SecretStr]:
        """Each password by the name of its variable."""
        return {
            name.upper(): value
            for name in type(self).model_fields
            if isinstance(value := getattr(self, name), SecretStr)
        }


SECRETS = frozenset(
    name.upper()
    for kind in (Settings, ServerSettings)
    for name, field in kind.model_fields.items()
    if SecretStr in (field.annotation, *get_args(field.annotation))
)
"""The settings that nobody else may read. An address of a database counts where it holds a password."""


def load_server_settings() -> ServerSettings:
    """Read the deployment's settings.

    Raises:
        SettingsError: One is missing or malformed.
    """
    return _read(ServerSettings, {})


def load_settings(**overrides: Any) -> Settings:
    """Read and check all settings.

    Args:
        overrides: Values that win over the environment, by attribute.

    Raises:
        SettingsError: A setting is malformed, or the plan and the key do not fit together.
    """
    settings = _read(Settings, overrides)
    _check_addresses(settings)
    key = settings.coingecko_api_key
    if key is not None and not API_KEY.fullmatch(key.get_secret_value()):
        raise SettingsError(
            "COINGECKO_API_KEY holds a character that no key has; copy it again, without quotes, blanks or line ends."
        )
    _ = settings.plan
    return settings


def load_alert_settings() -> AlertSettings:
    """Read and check the settings of the alerts alone.

    Raises:
        SettingsError: One of them is malformed.
    """
    settings = _read(AlertSettings, {})
    _check_addresses(settings)
    return settings


def load_catalogue_settings() -> CatalogueSettings:
    """Read the settings of the catalogue; the defaults where one is malformed, of which the first run tells."""
    try:
        return _read(CatalogueSettings, {})
    except SettingsError:
        return CatalogueSettings.model_construct()


def load_dot_env() -> None:
    """Put the variables of .env into the environment, where they are not set there.

    Raises:
        SettingsError: The file cannot be read.
    """
    try:
        text = ENV_FILE.read_text(encoding=ENV_FILE_ENCODING)
    except FileNotFoundError:
        return
    except (UnicodeDecodeError, OSError) as error:
        raise _unreadable(error) from None
    if "\0" in text:  # as UTF-16 without its mark has it
        raise _unreadable(ValueError())
    load_dotenv(stream=io.StringIO(text))


def _unreadable(error: Exception) -> SettingsError:
    """What is wrong with .env; the error's own message can quote it."""
    if isinstance(error, OSError):
        return SettingsError(f"The file .env cannot be read ({error.strerror}); check its rights.")
    return SettingsError("The file .env is no UTF-8 text; save it as UTF-8, in an editor that lets you choose that.")


def _read(kind: type[S], overrides: Mapping[str, Any]) -> S:
    try:
        _refuse_open_file()
        return kind(**overrides)
    except (UnicodeDecodeError, OSError) as error:
        raise _unreadable(error) from None
    except ValidationError as error:
        raise SettingsError(" ".join(_sentence(problem) for problem in error.errors(include_input=False))) from None


def _refuse_open_file() -> None:
    """Refuse a settings file that others can read; one without a secret may be read by all."""
    if not ENV_FILE.is_file():
        return
    for name, value in dotenv_values(ENV_FILE, interpolate=False, encoding=ENV_FILE_ENCODING).items():
        if value and name.upper() in SECRETS and (name.upper() != "DATABASE_URL" or has_password(value)):
            try:
                refuse_readable_by_others(ENV_FILE, name.upper())
            except ReadableByOthers as error:
                raise SettingsError(str(error)) from None


def _check_addresses(settings: AlertSettings) -> None:
    for name, url in (("ALERT_WEBHOOK_URL", settings.alert_webhook_url), ("HEARTBEAT_URL", settings.heartbeat_url)):
        if url is not None and not _is_address(url.get_secret_value()):
            raise SettingsError(
                f"{name} must be an address that begins with http:// or https://; copy it again, without quotes or "
                "line ends. Its value is a secret and is not shown."
            )


def _is_address(url: str) -> bool:
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _sentence(problem: Mapping[str, Any]) -> str:
    name = "_".join(str(part) for part in problem["loc"]).upper()
    limits = problem.get("ctx", {})
    wants = {
        "missing": "is not set",
        "int_parsing": "must be a whole number",
        "greater_than": "must be above 0",
        "greater_than_equal": f"must be {limits.get('ge')} or more",
        "less_than_equal": f"must be {limits.get('le')} or less",
        "string_pattern_mismatch": "must be an address that begins with http:// or https://",
    }
    return (
        f"{name} {wants.get(problem['type'], str(problem['msg']).lower())}; correct it in the environment or in .env."
    )
