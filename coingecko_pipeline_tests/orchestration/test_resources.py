"""The resources: what is made when a run begins, from what, and what Dagster shows of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.asked_runs import waited_for_tags
from coingecko_pipeline.orchestration.resources import build_resources, open_coingecko
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.settings import Settings
from coingecko_pipeline.sources.session import PATIENCE_SECONDS
from coingecko_pipeline.tables import OriginError, claim_origin, stored_origin
from coingecko_pipeline_tests.instances import empty_instance


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
    with pytest.raises(OriginError, match=r"holds sandbox data.* set COINGECKO_BASE_URL to the sandbox's address"):
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


@pytest.mark.parametrize("source", ["coingecko", "coinpaprika"])
def test_what_is_not_reached_is_given_up_soon_in_a_run_that_somebody_waits_for(
    source: str, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    @dg.op(required_resource_keys={source})
    def look(context: dg.OpExecutionContext) -> float | None:
        patience: float | None = getattr(context.resources, source)._session._opening.patience
        return patience

    @dg.job(resource_defs=dict(build_resources({"settings": hardcoded(settings_of(tmp_path))})))
    def a_job() -> None:
        look()

    waited_for = waited_for_tags(is_waited_for=True)
    assert a_job.execute_in_process(instance=instance, tags=waited_for).output_for_node("look") == PATIENCE_SECONDS
    assert a_job.execute_in_process(instance=instance).output_for_node("look") is None


hardcoded = dg.ResourceDefinition.hardcoded_resource
Probed = dict[str, Any]


def probe(found: Probed, *names: str) -> dg.AssetsDefinition:
    """An asset that keeps the resources that it is given."""

    @dg.asset(required_resource_keys=set(names))
    def probing(context: dg.AssetExecutionContext) -> None:
        found.update({name: getattr(context.resources, name) for name in names})

    return probing


def materialized(resources: Mapping[str, object], *names: str) -> tuple[dg.ExecuteInProcessResult, Probed]:
    found: Probed = {}
    with empty_instance() as instance:
        asset = probe(found, *names)
        result = dg.materialize([asset], resources=dict(resources), instance=instance, raise_on_error=False)
    return result, found


def test_everything_of_a_run_is_made_from_one_database(tmp_path: Path) -> None:
    resources = build_resources({"settings": hardcoded(settings_of(tmp_path))})
    result, found = materialized(resources, "warehouse", "warehouse_io_manager", "coinpaprika_io_manager", "plan")
    assert result.success
    assert found["warehouse_io_manager"].database is found["warehouse"]
    assert found["coinpaprika_io_manager"].database is found["warehouse"].schema("coinpaprika")
    assert found["plan"].name == "demo"


def test_a_resource_of_another_hand_is_used_by_those_that_are_made_from_it(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "http://127.0.0.1:9/api/v3")
    database = open_warehouse(settings)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    overrides = {"settings": settings, "warehouse": database, "now": lambda: moment}
    resources = build_resources({name: hardcoded(value) for name, value in overrides.items()})
    result, found = materialized(resources, "warehouse_io_manager", "coingecko", "coinpaprika")
    assert result.success
    assert found["warehouse_io_manager"].database is database
    assert found["coingecko"].now() == found["coinpaprika"].now() == moment


def test_a_database_of_another_hand_needs_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGECKO_PLAN", "gold")
    database = open_warehouse(settings_of(tmp_path))
    result, found = materialized(build_resources({"warehouse": hardcoded(database)}), "warehouse_io_manager")
    assert result.success
    assert found["warehouse_io_manager"].database is database


def test_settings_are_read_when_a_run_begins_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resources = build_resources()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/market.db")
    monkeypatch.setenv("COINGECKO_PLAN", "gold")
    result, _ = materialized(resources, "warehouse")
    assert not result.success
    assert "COINGECKO_PLAN is 'gold', which is no plan" in str(result.all_events)
    monkeypatch.setenv("COINGECKO_PLAN", "keyless")
    result, found = materialized(resources, "warehouse", "plan")
    assert result.success
    assert found["warehouse"].url.database == f"{tmp_path}/market.db"
    assert found["plan"].name == "keyless"


def test_what_dagster_shows_of_the_resources_holds_neither_url_nor_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql+pymysql://user:hush@host/name")
    monkeypatch.setenv("COINGECKO_API_KEY", "CG-hush")
    definitions = build_definitions()
    resources = definitions.get_repository_def().get_top_level_resources()
    shown = {
        name: (each.description, each.config_schema.default_value if each.config_schema.default_provided else None)
        for name, each in resources.items()
    }
    assert shown["warehouse_io_manager"][1] == {"source": "coingecko"}
    assert {name for name, (_, config) in shown.items() if config} == {
        "warehouse_io_manager",
        "coinpaprika",
        "coinpaprika_io_manager",
    }
    assert "hush" not in str(shown)
