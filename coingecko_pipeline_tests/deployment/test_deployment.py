"""The deployment from nothing: what it does, and what nobody can do with it."""

import json
import urllib.request
from datetime import UTC, date, datetime, timedelta

import pymysql
import pytest

from coingecko_pipeline_tests.deployment.graphql import wait_until
from coingecko_pipeline_tests.deployment.stack import Stack

pytestmark = pytest.mark.containers

RUN_SECONDS = 300
COINS = 2_000
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


def today() -> date:
    return datetime.now(UTC).date()


@pytest.fixture(scope="module")
def daily_run(stack: Stack) -> str:
    """A run of the daily job for today, ended."""
    run_id = stack.webserver.launch("daily_market_job", partition=str(today()))
    wait_until("the end of the daily job", lambda: stack.webserver.run(run_id)["status"] in ENDED, RUN_SECONDS)
    return run_id


def test_the_daily_job_succeeds_in_a_container_of_its_own_which_is_gone_afterwards(
    stack: Stack, daily_run: str
) -> None:
    assert stack.webserver.run(daily_run)["status"] == "SUCCESS"
    launched = [event["message"] for event in stack.webserver.events(daily_run) if event.get("message")]
    assert any("Launching run in a new container" in message for message in launched)
    assert stack.count("daily_market", f"date = '{today()}'") >= COINS
    assert stack.count("assets", "is_active") >= COINS
    wait_until("the end of the run's container", lambda: not stack.run_containers([daily_run]), 60)


@pytest.mark.usefixtures("daily_run")
def test_a_backfill_of_past_dates_fills_them_for_the_largest_coins(stack: Stack) -> None:
    dates = [today() - timedelta(days=days) for days in range(1, 11)]
    backfill = stack.webserver.backfill("daily_market", [str(day) for day in dates], {"top": 50})
    assert stack.webserver.wait_for_backfill(backfill, RUN_SECONDS) == "COMPLETED_SUCCESS"
    rows = stack.count("daily_market", f"date BETWEEN '{dates[-1]}' AND '{dates[0]}' AND source = 'chart'")
    assert 450 <= rows <= 500, "50 coins on ten dates, some of which CoinGecko lacks"
    runs = list(stack.webserver.runs_of(backfill))
    assert runs
    wait_until("the end of its runs' containers", lambda: not stack.run_containers(runs), 60)


@pytest.mark.usefixtures("daily_run")
def test_the_report_is_made_and_served_next_to_the_webserver(stack: Stack) -> None:
    run_id = stack.webserver.launch("market_report_job")
    wait_until("the end of the report's run", lambda: stack.webserver.run(run_id)["status"] in ENDED, RUN_SECONDS)
    assert stack.webserver.run(run_id)["status"] == "SUCCESS"
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.settings['REPORT_PORT']}/", timeout=60) as answer:
        page = answer.read().decode()
    assert "Data provided by <a" in page
    assert "synthetic" in page


def test_the_schedules_and_sensors_are_on(stack: Stack) -> None:
    states = stack.webserver.automation()
    for name in ("daily_market_schedule", "history_completion_schedule", "new_coins_sensor"):
        assert states[name] == "RUNNING", name


def test_a_reader_can_select_and_cannot_write(stack: Stack) -> None:
    assert stack.count("daily_market") > 0
    for statement in ("DELETE FROM daily_market", "CREATE TABLE mine (n INT)", "SELECT * FROM dagster.runs"):
        with pytest.raises(pymysql.MySQLError, match="denied"):
            stack.sql(statement)


def test_the_pipelines_account_can_change_no_table(stack: Stack) -> None:
    for statement in (
        "DROP TABLE daily_market",
        "ALTER TABLE daily_market ADD COLUMN n INT",
        "CREATE TABLE mine (n INT)",
        "SELECT * FROM mysql.user",
    ):
        with pytest.raises(pymysql.MySQLError, match="denied"):
            stack.sql(statement, user="pipeline")


def test_nothing_listens_on_another_address_than_loopback(stack: Stack) -> None:
    published = [
        binding
        for container in stack.containers()
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or []
    ]
    assert {binding["HostIp"] for binding in published} == {"127.0.0.1"}
    assert len(published) >= 2


def test_no_process_is_roots_and_our_containers_are_read_only(stack: Stack) -> None:
    for container in stack.containers():
        top = stack.call("docker", "top", container["Id"], "-eo", "pid,uid,args", ok=False)
        if "No such container" in top.stderr:
            continue  # a run's, which has ended meanwhile
        rows = top.stdout.splitlines()[1:]
        assert rows
        assert not [row for row in rows if row.split()[1] == "0"], container["Name"]
        if container["Config"]["Image"].startswith("coingecko-pipeline"):
            assert container["HostConfig"]["ReadonlyRootfs"], container["Name"]
            assert container["HostConfig"]["CapDrop"] == ["ALL"], container["Name"]


def test_dockers_socket_is_in_the_gate_alone_and_the_gate_lets_no_other_container_through(stack: Stack) -> None:
    ids = stack.compose("ps", "--quiet").stdout.split()
    containers = json.loads(stack.call("docker", "inspect", *ids).stdout)
    with_socket = [
        container["Config"]["Labels"]["com.docker.compose.service"]
        for container in containers
        if any("docker.sock" in mount["Source"] for mount in container["Mounts"])
    ]
    assert with_socket == ["docker-gate"]
    escape = (
        "import docker\n"
        "client = docker.from_env()\n"
        "try:\n"
        "    client.containers.create('mysql:9.7', 'sh', privileged=True, volumes=['/:/host'])\n"
        "except docker.errors.APIError as error:\n"
        "    print(error.status_code, error.explanation)\n"
    )
    said = stack.compose("exec", "-T", "daemon", "python", "-c", escape).stdout
    assert said.startswith("403 docker-gate refused: not a run's container")


def test_no_secret_is_in_the_image_in_a_log_or_in_an_event(stack: Stack, daily_run: str) -> None:
    image = "coingecko-pipeline:0.1.0"
    said = {
        "the image": stack.call("docker", "image", "inspect", image).stdout,
        "its history": stack.call("docker", "image", "history", "--no-trunc", image).stdout,
        "the logs": stack.logs(),
        "the events": json.dumps(stack.webserver.events(daily_run)),
        "what compose tells": stack.compose("ps", "--all", "--format", "json").stdout,
    }
    for secret in stack.passwords:
        assert [where for where, text in said.items() if secret in text] == []
        in_layers = f"docker save {image} | grep --count --text --fixed-strings '{secret}'"
        assert stack.call("sh", "-c", in_layers, ok=False).stdout.strip() == "0"


def test_the_list_of_what_is_in_the_image_names_each_package_with_its_version_and_none_of_the_build(
    stack: Stack,
) -> None:
    stack.call("make", "sbom")
    told = json.loads((stack.folder / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert told["bomFormat"] == "CycloneDX"
    itself = told["metadata"]["component"]
    assert (itself["name"], itself["type"]) == ("coingecko-pipeline", "application")
    listed = {(part["name"], part["version"]) for part in [itself, *told["components"]]}
    ask = "import importlib.metadata as m, json; print(json.dumps([(d.name, d.version) for d in m.distributions()]))"
    installed = stack.compose("run", "--rm", "--no-deps", "-T", "check", "python", "-c", ask).stdout
    assert listed == {(name, version) for name, version in json.loads(installed)}
    assert not {"pip", "setuptools", "hatchling", "cyclonedx-bom"} & {name for name, _ in listed}
    # These two declare none.
    without_licence = {part["name"] for part in told["components"] if not part.get("licenses")}
    assert without_licence <= {"antlr4-python3-runtime", "protobuf"}


def test_every_container_has_a_memory_limit(stack: Stack) -> None:
    for container in stack.containers():
        assert container["HostConfig"]["Memory"] > 0, container["Name"]


def test_the_image_tells_its_version_and_has_no_compiler(stack: Stack) -> None:
    labels = json.loads(stack.call("docker", "image", "inspect", "coingecko-pipeline:0.1.0").stdout)[0]["Config"][
        "Labels"
    ]
    told = stack.call("docker", "run", "--rm", "coingecko-pipeline:0.1.0", "--version").stdout
    assert told.strip().endswith(labels["org.opencontainers.image.version"])
    look = "command -v gcc cc pip; find / -xdev \\( -name .cache -o -name '*.deb' \\) 2>/dev/null; true"
    assert stack.call("docker", "run", "--rm", "coingecko-pipeline:0.1.0", "sh", "-c", look).stdout == ""
