from pathlib import Path

import pytest
from pydantic import SecretStr

from coingecko_pipeline.orchestration.resources import open_coingecko, open_warehouse
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.settings import Settings
from coingecko_pipeline.tables import OriginError, claim_origin, stored_origin


def settings_of(folder: Path, base_url: str | None = None) -> Settings:
    return Settings(
        coingecko_api_key=SecretStr("CG-mine"),
        coingecko_plan="demo",
        coingecko_base_url=base_url,
        database_url=SecretStr(f"sqlite:///{folder}/market.db"),
        _env_file=None,
    )


def test_coingecko_itself_is_refused_by_a_database_of_the_sandbox_before_any_call(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    database = open_warehouse(settings)
    claim_origin(database, "sandbox")
    with pytest.raises(OriginError, match="holds sandbox data"):
        open_coingecko(settings, database)


def test_the_first_answer_tells_whose_database_it_is(tmp_path: Path) -> None:
    with RunningSandbox(SandboxOptions(coins=50)) as sandbox:
        settings = settings_of(tmp_path, sandbox.url)
        database = open_warehouse(settings)
        client = open_coingecko(settings, database)
        assert stored_origin(database) is None
        assert len(client.asset_list().entries) == 50
        client.close()
    assert stored_origin(database) == "sandbox"


def test_the_sandbox_is_refused_by_a_database_of_live_data(tmp_path: Path) -> None:
    with RunningSandbox(SandboxOptions(coins=50)) as sandbox:
        settings = settings_of(tmp_path, sandbox.url)
        database = open_warehouse(settings)
        claim_origin(database, "live")
        client = open_coingecko(settings, database)
        with pytest.raises(OriginError, match="holds live data"):
            client.asset_list()
        client.close()
