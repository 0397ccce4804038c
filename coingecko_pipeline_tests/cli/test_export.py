"""The command as a user runs it."""

import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from coingecko_pipeline import tables
from coingecko_pipeline.cli.export import export
from coingecko_pipeline.tables import claim_origin, migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import run_program
from coingecko_pipeline_tests.export.rows import ASSETS, MARKET, exactly, read_csv, rows_in, store


@pytest.fixture
def settings(tmp_path: Path) -> Mapping[str, str]:
    """Of a small market in a file of its own."""
    url = f"sqlite:///{tmp_path}/market.db"
    database = Database(url)
    migrate(database)
    store(database, tables.daily_market, MARKET)
    store(database, tables.assets, ASSETS)
    database.dispose()
    return {"DATABASE_URL": url}


def run(settings: Mapping[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(export, arguments, env={"COLUMNS": "200", **settings})


def test_the_file_is_named_after_what_is_in_it_and_never_replaced_unasked(
    settings: Mapping[str, str], tmp_path: Path
) -> None:
    dates = ("--from", "2026-01-02", "--to", "2026-01-03")
    ended = run_program(tmp_path, "export", *dates, **settings)
    assert ended.returncode == 0, ended.stderr
    name = "daily_market_2026-01-02_2026-01-03.parquet"
    size = (tmp_path / name).stat().st_size
    told = f"Exported 3 rows of daily_market from 2026-01-02 to 2026-01-03 to {name}: {size:,} bytes in"
    assert told in ended.stdout
    assert "Exporting daily_market from 2026-01-02 to 2026-01-03: 3 of 3 rows done." in ended.stdout
    assert rows_in(parquet.read_table(tmp_path / name)) == MARKET[4:7]
    again = run_program(tmp_path, "export", *dates, **settings)
    assert again.returncode == 1
    assert again.stderr == f"Error: {name} exists already: choose another file, or --overwrite replaces it.\n"


def test_a_pipe_gets_the_rows_and_nothing_else(settings: Mapping[str, str]) -> None:
    csv = run(settings, "--format", "csv", "--output", "-")
    assert csv.exit_code == 0
    assert exactly(rows_in(read_csv(io.BytesIO(csv.stdout_bytes), tables.daily_market))) == exactly(MARKET)
    assert "Exported 8 rows of daily_market in" in csv.stderr
    arrow = run(settings, "--format", "arrow", "--output", "-")
    with pa.ipc.open_stream(arrow.stdout_bytes) as reader:
        assert exactly(rows_in(reader.read_all())) == exactly(MARKET)


def test_one_coin_and_another_table_can_be_chosen_and_a_file_replaced(
    settings: Mapping[str, str], tmp_path: Path
) -> None:
    path = str(tmp_path / "file.parquet")
    assert run(settings, "--asset", "dps-doubloon ", "--output", path).exit_code == 0
    assert rows_in(parquet.read_table(path)) == [MARKET[2]]
    assert run(settings, "--table", "assets", "--output", path, "--overwrite").exit_code == 0
    assert rows_in(parquet.read_table(path)) == ASSETS


def test_the_second_source_is_exported_from_its_own_tables(settings: Mapping[str, str], tmp_path: Path) -> None:
    never_read = run_program(tmp_path, "export", "--source", "coinpaprika", **settings)
    assert never_read.returncode == 1
    assert never_read.stderr == "Error: There is no row of daily_market: the table is empty.\n"
    database = Database(settings["DATABASE_URL"])
    second = database.schema("coinpaprika")
    migrate(second)
    row = (MARKET[0][0], "btc-bitcoin", *MARKET[0][2:])
    store(second, tables.daily_market, [row])
    store(second, tables.assets, [("btc-bitcoin", *ASSETS[0][1:])])
    database.dispose()
    ended = run_program(tmp_path, "export", "--source", "coinpaprika", "--asset", "btc-bitcoin", **settings)
    assert ended.returncode == 0, ended.stderr
    assert "Exported 1 row of CoinPaprika's daily_market to coinpaprika_daily_market.parquet" in ended.stdout
    exported = parquet.read_table(tmp_path / "coinpaprika_daily_market.parquet")
    assert rows_in(exported) == [row]
    assert exported.schema.field("asset_id").metadata[b"comment"] == b"CoinPaprika's id, byte for byte"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--asset", "bitcoi"), 1, "the first is 'bitcoi'; did you mean 'bitcoin'?"),
        (("--from", "2027-01-01"), 1, "There is no row of daily_market from 2027-01-01; the table has rows from 2026"),
        (("--table", "daily_markt"), 2, "there is no table 'daily_markt'; did you mean daily_market"),
        (("--table", "x"), 2, "there is no table 'x'; there are api_rate, "),
        (("--table", "assets", "--to", "2026-01-01"), 2, "Rows of assets are not chosen by date"),
        (("--from", "2026-01-02", "--to", "2026-01-01"), 2, "The last date, 2026-01-01, comes before the first"),
        (
            ("--table", "market_charts", "--format", "csv"),
            2,
            "market_charts.body holds bytes, which csv cannot",
        ),
    ],
)
def test_what_cannot_be_exported_is_one_sentence_and_leaves_no_file(
    settings: Mapping[str, str], tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    suffix = "csv" if "csv" in arguments else "parquet"
    ended = run(settings, *arguments, "--output", str(tmp_path / f"file.{suffix}"))
    assert ended.exit_code == code
    assert sentence in ended.stderr
    assert ended.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["market.db"]


def test_values_are_exported_in_another_currency_at_the_rates_of_their_dates(settings: Mapping[str, str]) -> None:
    database = Database(settings["DATABASE_URL"])
    store(database, tables.fx_rates, [(date(2026, 1, 3), "eur", 1.25, "chart")])
    database.dispose()
    csv = run(settings, "--currency", "EUR", "--from", "2026-01-03", "--format", "csv", "--output", "-")
    assert csv.exit_code == 0
    lines = csv.stdout.splitlines()
    assert lines[0] == '"date","asset_id","price_eur","volume_24h_eur","market_cap_eur","source","observed_at"'
    assert lines[1].split(",")[2:5] == ["1.6", "0.8", "2.4"]
    assert lines[2].split(",")[2:5] == ["", "", ""]
    assert "The values of 1 date from 2026-01-04 to 2026-01-04 are empty" in csv.stderr
    assert "coingecko-pipeline fx --currency eur --from 2026-01-04 --to 2026-01-04" in csv.stderr


def test_a_currency_without_rates_and_a_table_of_many_moments_are_refused(settings: Mapping[str, str]) -> None:
    none = run(settings, "--currency", "eur", "--output", "-")
    assert (none.exit_code, none.stdout) == (1, "")
    assert "There is no rate of 'eur' for daily_market" in none.stderr
    wrong = run(settings, "--currency", "eur", "--table", "market_snapshots")
    assert wrong.exit_code == 2
    assert "--currency goes with daily_market" in wrong.stderr


def test_a_view_is_exported_like_a_table(settings: Mapping[str, str]) -> None:
    database = Database(settings["DATABASE_URL"])
    store(database, tables.fx_rates, [(date(2026, 1, 3), "eur", 1.25, "chart")])
    database.dispose()
    csv = run(settings, "--table", "daily_market_in", "--format", "csv", "--output", "-")
    assert csv.exit_code == 0
    assert csv.stdout.splitlines()[1].split(",")[2:6] == ['"eur"', "1.6", "0.8", "2.4"]


def test_the_close_of_a_day_and_whose_data_it_is_are_in_the_file(settings: Mapping[str, str], tmp_path: Path) -> None:
    dates = ("--from", "2026-01-01", "--to", "2026-01-01")
    ended = run_program(tmp_path, "export", "--label", "close", *dates, **settings)
    assert ended.returncode == 0, ended.stderr
    name = "daily_market_2026-01-01_2026-01-01_close.parquet"
    assert f"Exported 2 rows of the closes of daily_market from 2026-01-01 to 2026-01-01 to {name}" in ended.stdout
    schema = parquet.read_schema(tmp_path / name)
    assert schema.metadata[b"attribution"] == b"Data provided by CoinGecko"


def test_what_a_sandbox_made_is_not_said_to_be_anybodys(settings: Mapping[str, str], tmp_path: Path) -> None:
    database = Database(settings["DATABASE_URL"])
    claim_origin(database, "sandbox")
    database.dispose()
    path = tmp_path / "file.parquet"
    assert run(settings, "--output", str(path)).exit_code == 0
    words = parquet.read_schema(path).metadata[b"attribution"]
    assert words == b"Synthetic data of a sandbox, not CoinGecko's"


@pytest.mark.parametrize(
    ("arguments", "magic"),
    [
        (("--output", "market.csv"), b'"date",'),
        (("--output", "market.PARQUET"), b"PAR1"),
        (("--output", "market.arrow"), b"ARROW1"),
        (("--output", "market.txt", "--format", "csv"), b'"date",'),
    ],
)
def test_the_ending_of_the_name_decides_the_format(
    settings: Mapping[str, str], tmp_path: Path, arguments: tuple[str, ...], magic: bytes
) -> None:
    path = tmp_path / arguments[1]
    assert run(settings, "--output", str(path), *arguments[2:]).exit_code == 0
    assert path.read_bytes().startswith(magic)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--output", "market.xlsx"), "ends with no format that is known: end it with one of .parquet, .csv, .arrow"),
        (("--output", "market"), "ends with no format that is known"),
        (("--output", "market.csv", "--format", "arrow"), "--format arrow does not go with 'market.csv'"),
    ],
)
def test_an_ending_that_says_no_format_or_another_is_refused(
    settings: Mapping[str, str], arguments: tuple[str, ...], sentence: str
) -> None:
    ended = run(settings, *arguments)
    assert ended.exit_code == 2
    assert sentence in ended.stderr


@pytest.mark.parametrize(("options", "name"), [((), "'=1+1"), (("--no-escape-formulas",), "=1+1")])
def test_a_name_like_a_formula_is_escaped_unless_told_otherwise(
    settings: Mapping[str, str], options: tuple[str, ...], name: str
) -> None:
    database = Database(settings["DATABASE_URL"])
    with database.transaction() as connection:
        connection.execute(tables.assets.update().values(name="=1+1"))
    database.dispose()
    ended = run(settings, "--table", "assets", "--format", "csv", "--output", "-", *options)
    assert f',"{name}",' in ended.stdout
