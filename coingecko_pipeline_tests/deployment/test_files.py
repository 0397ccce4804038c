"""The deployment's files agree with the program and with one another."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from coingecko_pipeline import __version__
from coingecko_pipeline.deployment import accounts
from coingecko_pipeline.deployment.docker_gate import variables_of_runs
from coingecko_pipeline.deployment.run_container import TMPFS
from coingecko_pipeline.settings import AlertSettings, Settings
from coingecko_pipeline.sources.registry import SOURCES
from coingecko_pipeline_tests.deployment.checkout import PROJECT

COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
RUNS = yaml.safe_load((PROJECT / "docker" / "dagster-runs.yaml").read_text(encoding="utf-8"))["run_launcher"]["config"]
# What an alert needs is the code location's alone.
OF_A_RUN = {name.upper() for name in Settings.model_fields} - {name.upper() for name in AlertSettings.model_fields}
OF_DAGSTER = {"DATABASE_HOST", "DATABASE_PORT", "MYSQL_DAGSTER_PASSWORD"}


def test_a_run_is_given_every_setting_and_what_dagsters_storage_needs_and_no_more() -> None:
    assert set(RUNS["env_vars"]) == OF_A_RUN | OF_DAGSTER
    assert all("=" not in name for name in RUNS["env_vars"])


def test_the_daemon_has_the_value_of_everything_that_it_gives_to_a_run() -> None:
    assert set(RUNS["env_vars"]) <= set(SERVICES["daemon"]["environment"])


def test_the_code_location_has_every_setting() -> None:
    assert {name.upper() for name in Settings.model_fields} <= set(SERVICES["code-location"]["environment"])


def test_the_webserver_has_neither_the_key_nor_the_tables() -> None:
    secrets = {"COINGECKO_API_KEY", "DATABASE_URL", "ALERT_WEBHOOK_URL", "HEARTBEAT_URL"}
    assert not secrets & set(SERVICES["webserver"]["environment"])


def test_each_sources_database_has_its_accounts_and_is_in_the_backup() -> None:
    assert tuple(source.name for source in SOURCES) == accounts.SOURCES
    dumped = re.search(r'databases="([a-z ]+)"', (PROJECT / "docker" / "backup").read_text(encoding="utf-8"))
    assert dumped
    assert dumped[1].split() == [*accounts.SOURCES, accounts.STORAGE]


def test_every_published_port_is_on_loopback_and_no_service_is_privileged() -> None:
    for name, service in SERVICES.items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert not {"privileged", "pid", "network_mode", "cap_add"} & set(service), name


def test_every_container_has_a_memory_limit() -> None:
    limits = {name: service["mem_limit"] for name, service in SERVICES.items()}
    assert limits["mysql"] == "${MYSQL_MEMORY:-3g}"
    assert limits["docker-gate"] == "256m"
    assert limits["report"] == "128m"
    assert {name for name, limit in limits.items() if limit == "1g"} == set(limits) - {"mysql", "docker-gate", "report"}
    assert RUNS["container_kwargs"]["mem_limit"] == "1g"


def test_docker_gate_lets_a_run_have_what_the_launcher_gives_it() -> None:
    known = variables_of_runs((PROJECT / "docker" / "dagster-runs.yaml").read_text(encoding="utf-8"))
    assert known == {*RUNS["env_vars"], "DAGSTER_RUN_JOB_NAME"}
    assert RUNS["container_kwargs"]["tmpfs"] == TMPFS


def test_the_image_installs_nothing_that_has_no_hash_and_builds_nothing_that_fetches() -> None:
    text = (PROJECT / "docker" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    steps = re.findall(r"bin/pip (?:install|wheel) [^&\n]*", text)
    locks = [step.split()[-1] for step in steps if "--require-hashes --only-binary :all: -r" in step]
    assert locks == ["requirements-build.lock", "requirements.lock"]
    assert all("--no-index --no-deps" in step for step in steps if "-r " not in step)
    assert all("--no-build-isolation" in step for step in steps if " wheel " in step)
    for lock in locks:
        pinned = re.split(r"^(?=\S)", (PROJECT / lock).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        assert all("==" in entry and "--hash=sha256:" in entry for entry in pinned), lock


def test_what_builds_the_package_is_what_the_build_lock_has() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    pinned = (PROJECT / "requirements-build.lock").read_text(encoding="utf-8")
    for requirement in project["build-system"]["requires"]:
        assert requirement in project["dependency-groups"]["build"]
        assert re.search(rf"^{re.escape(requirement)} ", pinned, re.MULTILINE)


def test_each_image_from_elsewhere_can_be_named_by_its_digest() -> None:
    assert SERVICES["mysql"]["image"].startswith("${MYSQL_IMAGE:-")
    python = SERVICES["daemon"]["build"]["args"]["PYTHON_IMAGE"]
    dockerfile = (PROJECT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert f"ARG PYTHON_IMAGE={python.removeprefix('${PYTHON_IMAGE:-').removesuffix('}')}\n" in dockerfile
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${PYTHON_IMAGE}"}


def test_no_password_is_in_the_compose_file() -> None:
    text = (PROJECT / "docker-compose.yml").read_text(encoding="utf-8")
    values = re.findall(r"^ +\w+PASSWORD: (.+)$", text, re.MULTILINE)
    assert values
    assert all(value.startswith("${MYSQL_") and ":?" in value for value in values)


def test_the_image_is_the_one_of_this_version() -> None:
    image = SERVICES["daemon"]["image"]
    assert image == f"${{PIPELINE_IMAGE:-coingecko-pipeline:{__version__}}}"
    assert SERVICES["daemon"]["build"]["args"]["VERSION"] == __version__


@pytest.mark.parametrize("parts", [("storage",), ("storage", "runs")], ids=["in-process", "containers"])
def test_the_parts_of_dagsters_configuration_have_no_key_in_common(parts: tuple[str, ...]) -> None:
    texts = [(PROJECT / "dagster.yaml").read_text(encoding="utf-8")]
    texts += [(PROJECT / "docker" / f"dagster-{part}.yaml").read_text(encoding="utf-8") for part in parts]
    whole = yaml.safe_load("".join(texts))
    assert len(whole) == sum(len(yaml.safe_load(text)) for text in texts)
    assert whole["telemetry"] == {"enabled": False}
    assert whole["run_retries"]["retry_on_asset_or_op_failure"] is False
    assert whole["run_monitoring"]["enabled"] is True


def test_a_look_at_a_healthy_service_has_time_to_wait_before_it_looks() -> None:
    waits = re.search(r"sleep (\d+)$", (PROJECT / "docker" / "healthy").read_text(encoding="utf-8"), re.MULTILINE)
    assert waits
    looks = [
        service["healthcheck"]
        for service in SERVICES.values()
        if "healthy" in service.get("healthcheck", {}).get("test", ())
    ]
    assert len(looks) == 6
    assert all(int(look["timeout"].removesuffix("s")) >= int(waits[1]) + 10 for look in looks)
