from pathlib import Path

import pytest

from coingecko_pipeline.settings import SettingsError, load_alert_settings, load_settings
from coingecko_pipeline_tests.cli.programs import KEY, run_program

SETTINGS = (
    "COINGECKO_API_KEY",
    "COINGECKO_PLAN",
    "COINGECKO_BASE_URL",
    "COINGECKO_CALLS_PER_MINUTE",
    "COINGECKO_CREDITS_PER_MONTH",
    "COINGECKO_HISTORY_DAYS",
    "COINGECKO_BILLING_DAY",
    "HOURLY_TOP",
    "CURRENCIES",
    "COINPAPRIKA_BASE_URL",
    "DATABASE_URL",
    "ALERT_WEBHOOK_URL",
    "DAGSTER_UI_URL",
    "GIT_URL",
    "REPORT_URL",
)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


def put_settings(folder: Path, lines: str) -> None:
    path = folder / ".env"
    path.touch(0o600)
    path.write_text(lines)


def test_without_any_setting_it_is_the_keyless_plan_and_an_embedded_database() -> None:
    settings = load_settings()
    assert settings.plan.name == "keyless"
    assert settings.database_url.get_secret_value() == "sqlite:///data/coingecko.db"


def test_a_file_named_dot_env_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_settings(tmp_path, f"COINGECKO_API_KEY={KEY}\nCOINGECKO_CALLS_PER_MINUTE=30\nDATABASE_URL=\n")
    monkeypatch.setenv("COINGECKO_CALLS_PER_MINUTE", "10")
    settings = load_settings()
    assert (settings.plan.name, settings.plan.calls_per_minute) == ("demo", 10)
    assert settings.database_url.get_secret_value() == "sqlite:///data/coingecko.db"


def test_a_variable_that_is_empty_unsets_its_line_of_dot_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_settings(tmp_path, "COINGECKO_CALLS_PER_MINUTE=7\nALERT_WEBHOOK_URL=https://hooks.example/hush\n")
    monkeypatch.setenv("COINGECKO_CALLS_PER_MINUTE", "")
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "")
    settings = load_settings()
    assert settings.coingecko_calls_per_minute is None
    assert settings.alert_webhook_url is None


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("COINGECKO_CALLS_PER_MINUTE", "many", "COINGECKO_CALLS_PER_MINUTE must be a whole number"),
        ("COINGECKO_CREDITS_PER_MONTH", "0", "COINGECKO_CREDITS_PER_MONTH must be above 0"),
        ("COINGECKO_HISTORY_DAYS", "-1", "COINGECKO_HISTORY_DAYS must be above 0"),
        ("CURRENCIES", "eur,£", "CURRENCIES has '£', which is no code of a currency; write eur,gbp"),
        ("COINGECKO_BILLING_DAY", "0", "COINGECKO_BILLING_DAY must be 1 or more"),
        ("COINGECKO_BILLING_DAY", "32", "COINGECKO_BILLING_DAY must be 31 or less"),
        ("HOURLY_TOP", "-1", "HOURLY_TOP must be 0 or more"),
        ("HOURLY_TOP", "all", "HOURLY_TOP must be a whole number"),
        ("COINGECKO_BASE_URL", "localhost:1", "COINGECKO_BASE_URL must be an address that begins with http"),
        ("COINPAPRIKA_BASE_URL", "localhost:1", "COINPAPRIKA_BASE_URL must be an address that begins with http"),
        ("REPORT_URL", "localhost:8080", "REPORT_URL must be an address that begins with http"),
        ("GIT_URL", "git@github.com:you/pipeline.git", "GIT_URL must be an address that begins with http"),
        ("GIT_URL", "https://code.example/pipeline", "GIT_URL must be the address of a repository on github or gitlab"),
        ("COINGECKO_PLAN", "gold", "COINGECKO_PLAN is 'gold', which is no plan"),
        ("COINGECKO_PLAN", "analyst", "needs a key"),
        ("COINGECKO_API_KEY", "CG-\nX", "holds a character that no key has"),
        ("ALERT_WEBHOOK_URL", "hooks.example/hush", "ALERT_WEBHOOK_URL must be an address that begins with http"),
        ("ALERT_WEBHOOK_URL", "https://hooks.example/hu sh", "copy it again, without quotes or line ends"),
        ("ALERT_WEBHOOK_URL", "https://hooks.example:99999/hush", "ALERT_WEBHOOK_URL must be an address"),
        ("ALERT_WEBHOOK_URL", "https:///hush", "ALERT_WEBHOOK_URL must be an address"),
        ("HEARTBEAT_URL", "hc.example/hush", "HEARTBEAT_URL must be an address that begins with http"),
        ("ALERT_REVISED_VALUES", "0", "ALERT_REVISED_VALUES must be above 0"),
        ("DAGSTER_UI_URL", "dagster.example", "DAGSTER_UI_URL must be an address that begins with http"),
    ],
)
def test_a_wrong_setting_is_one_clear_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=sentence) as caught:
        load_settings()
    assert caught.value.__cause__ is None
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("key", [f" {KEY}", f"{KEY}\n", f"\t{KEY} \r\n"])
def test_blanks_around_a_setting_are_none_of_it(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", key)
    monkeypatch.setenv("COINGECKO_PLAN", " analyst ")
    monkeypatch.setenv("DATABASE_URL", " sqlite:///data/other.db\n")
    settings = load_settings()
    assert settings.coingecko_api_key is not None
    assert settings.coingecko_api_key.get_secret_value() == KEY
    assert settings.plan.name == "analyst"
    assert settings.database_url.get_secret_value() == "sqlite:///data/other.db"


@pytest.mark.parametrize("key", [f"'{KEY}'", f'"{KEY}"', f"“{KEY}”", f"{KEY} {KEY}", f"Bearer {KEY}", "CG-\x00"])
def test_a_key_with_quotes_or_blanks_within_is_refused_by_name(key: str) -> None:
    with pytest.raises(SettingsError, match="COINGECKO_API_KEY holds a character that no key has") as told:
        load_settings(coingecko_api_key=key)
    assert KEY not in str(told.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_dot_env_is_read_with_the_mark_of_utf_8_and_without(tmp_path: Path, encoding: str) -> None:
    (tmp_path / ".env").write_text("COINGECKO_CALLS_PER_MINUTE=7\n", encoding=encoding)
    assert load_settings().coingecko_calls_per_minute == 7


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_dot_env_in_another_encoding_ends_every_command_with_2_and_one_sentence(tmp_path: Path, encoding: str) -> None:
    (tmp_path / ".env").write_text(f"COINGECKO_API_KEY={KEY}\n# schlüssel\n", encoding=encoding)
    ended = run_program(tmp_path, "status")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "The file .env is no UTF-8 text; save it as UTF-8" in ended.stderr
    assert "Traceback" not in ended.stderr
    if encoding != "utf-16-le":
        with pytest.raises(SettingsError, match=r"The file \.env is no UTF-8 text"):
            load_settings()


@pytest.mark.parametrize("plan", ["keyless", "demo", "basic", "analyst", "lite"])
def test_the_hourly_market_is_off_on_every_plan_until_it_is_set(monkeypatch: pytest.MonkeyPatch, plan: str) -> None:
    monkeypatch.setenv("COINGECKO_PLAN", plan)
    if plan != "keyless":
        monkeypatch.setenv("COINGECKO_API_KEY", KEY)
    assert load_settings().plan.hourly_top == 0
    monkeypatch.setenv("HOURLY_TOP", "250")
    assert load_settings().plan.hourly_top == 250


def test_no_way_of_printing_the_settings_shows_the_key_or_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", KEY)
    monkeypatch.setenv("DATABASE_URL", "mysql+pymysql://me:hush@host/db")
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "https://hooks.example/services/hush")
    monkeypatch.setenv("HEARTBEAT_URL", "https://hc.example/hush")
    settings = load_settings()
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert KEY not in text
        assert "hush" not in text


def test_the_settings_of_the_alerts_are_read_although_another_one_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGECKO_PLAN", "gold")
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "https://hooks.example/services/hush")
    settings = load_alert_settings()
    assert settings.alert_webhook_url is not None
    assert settings.alert_webhook_url.get_secret_value() == "https://hooks.example/services/hush"
    assert settings.dagster_ui_url == "http://127.0.0.1:3000"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"COINGECKO_PLAN": "gold"}, "COINGECKO_PLAN is 'gold'"),
        ({"COINGECKO_PLAN": "keyless", "COINGECKO_API_KEY": KEY}, "sends no key, yet COINGECKO_API_KEY is set"),
        ({"DATABASE_URL": "postgresql://me:hush@host/db"}, "postgresql"),
        ({"DATABASE_URL": "mysql+pymysql://me:p@ss/hush@host/db"}, "cannot be parsed"),
        ({"DATABASE_URL": "mysql+pymysql://me:hush@host/db?serverTimezone=UTC"}, "'serverTimezone'"),
        ({"DATABASE_URL": "mysql+pymysql://me:hush@host/db?ssl_ca=/no/such.pem"}, "cannot be read"),
        ({"DATABASE_URL": "sqlite:///~/coingecko.db"}, "begins with ~"),
    ],
)
def test_the_program_ends_with_2_and_the_sentence_before_anything_is_touched(
    tmp_path: Path, environment: dict[str, str], sentence: str
) -> None:
    ended = run_program(tmp_path, "daily", **environment)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert KEY not in ended.stdout + ended.stderr
    assert "hush" not in ended.stdout + ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("backfill", "--from", "2026-01-02", "--to", "2026-01-01"),
        ("backfill", "--from", "2026-01-01", "--to", "2999-01-01"),
        ("backfill", "--from", "2012-01-01", "--to", "2026-01-01"),
        ("backfill", "--from", "2026-01-01"),
        ("backfill", "--from", "2026-01-01", "--to", "2026-01-02", "--top", "1", "--asset", "bitcoin"),
        ("backfill", "--from", "2026-01-01", "--to", "2026-01-02", "--max-calls", "0"),
        ("nonsense",),
    ],
)
def test_wrong_use_ends_with_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ended = run_program(tmp_path, *arguments)
    assert ended.returncode == 2
    assert "Error" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_database_ends_with_1_and_a_sentence(tmp_path: Path) -> None:
    ended = run_program(tmp_path, "status", DATABASE_URL="mysql+pymysql://me:hush@127.0.0.1:9/db")
    assert ended.returncode == 1
    assert "127.0.0.1" in ended.stderr
    assert "hush" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_currencies_are_codes_with_commas_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().currencies == ()
    monkeypatch.setenv("CURRENCIES", " EUR, gbp,,")
    assert load_settings().currencies == ("eur", "gbp")
