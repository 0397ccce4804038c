"""What keeps the deployment from starting, or a run from ending, and the sentence that tells what to do."""

import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from coingecko_pipeline_tests.deployment.graphql import wait_until
from coingecko_pipeline_tests.deployment.stack import Stack

pytestmark = [pytest.mark.containers, pytest.mark.usefixtures("stack")]

IMAGE = "coingecko-pipeline:0.1.0"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Stack]:
    """Another deployment that was not started, with secrets; its image is there."""
    deployment = Stack(f"test-{uuid.uuid4().hex[:8]}", tmp_path)
    try:
        deployment.call("make", "secrets")
        yield deployment
    finally:
        deployment.remove()


def said_by_up(deployment: Stack) -> str:
    """What `make up` says, where it fails as it must."""
    done = deployment.call("make", "up", ok=False)
    assert done.returncode
    return done.stdout + done.stderr


def test_a_missing_secret_is_told_before_anything_is_started(other: Stack) -> None:
    without = {name: value for name, value in other.settings.items() if name != "MYSQL_READER_PASSWORD"}
    (other.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in without.items()))
    done = other.compose("up", "--detach", ok=False)
    assert done.returncode
    assert "MYSQL_READER_PASSWORD" in done.stderr
    assert "run make secrets" in done.stderr
    assert not other.containers()


def test_an_example_password_stops_everything_before_a_server_is_made_with_it(other: Stack) -> None:
    other.write_settings({"MYSQL_ROOT_PASSWORD": "change-me-please"})
    said = said_by_up(other)
    assert "MYSQL_ROOT_PASSWORD looks like an example and not like a password" in said
    assert "change-me-please" not in said
    assert not other.containers()


def test_a_key_that_does_not_fit_its_plan_is_told_at_once(other: Stack) -> None:
    other.write_settings({"COINGECKO_PLAN": "analyst"})
    assert "COINGECKO_API_KEY" in said_by_up(other)
    assert not other.containers()


def test_a_port_in_use_is_told_with_the_setting_that_chooses_another(other: Stack) -> None:
    with socket.create_server(("127.0.0.1", int(other.settings["MYSQL_PORT"]))):
        said = said_by_up(other)
    assert other.settings["MYSQL_PORT"] in said
    assert "choose another one with WEBSERVER_PORT, MYSQL_PORT or REPORT_PORT in .env" in said


def test_a_root_password_that_is_not_the_servers_is_told(stack: Stack) -> None:
    right = stack.settings["MYSQL_ROOT_PASSWORD"]
    stack.write_settings({"MYSQL_ROOT_PASSWORD": right[::-1]})
    try:
        said = stack.compose("run", "--rm", "--no-deps", "migrate", ok=False)
    finally:
        stack.write_settings({"MYSQL_ROOT_PASSWORD": right})
    assert said.returncode == 1
    assert "the server refused user 'root': check the user and the password" in said.stdout + said.stderr
    assert right[::-1] not in said.stdout + said.stderr


def test_data_of_a_newer_version_are_refused_by_an_older_one(stack: Stack) -> None:
    (version,) = stack.sql("SELECT version_num FROM warehouse_version", user="root")[0]
    stack.sql("UPDATE warehouse_version SET version_num = '9999'", user="root")
    try:
        said = stack.compose("run", "--rm", "--no-deps", "migrate", ok=False)
    finally:
        stack.sql(f"UPDATE warehouse_version SET version_num = '{version}'", user="root")
    assert said.returncode == 1
    assert "are at version 9999, which is newer than this program" in said.stdout + said.stderr


def test_a_full_disk_of_the_server_ends_a_run_with_what_to_do(stack: Stack) -> None:
    server, network = f"{stack.name}-full", stack.name
    url = f"mysql+pymysql://root:full-disk-root@{server}:3306/coingecko"
    start = [
        "docker",
        "run",
        "--detach",
        "--name",
        server,
        "--network",
        network,
        "--env",
        "MYSQL_ROOT_PASSWORD=full-disk-root",
    ]
    options = ["--local-infile=ON", "--skip-log-bin", "--skip-name-resolve", "--innodb-redo-log-capacity=8388608"]
    stack.call(*start, "--tmpfs", "/var/lib/mysql:size=300m", "mysql:9.7", *options)
    pipeline = [
        *("docker", "run", "--rm", "--network", network, "--env", f"DATABASE_URL={url}"),
        *("--env", "SANDBOX_HOST=coingecko-pipeline-sandbox", "--env", "SANDBOX_PLAN=analyst", IMAGE),
    ]
    try:
        ping = ("docker", "exec", server, "mysqladmin", "ping", "--host=127.0.0.1", "--silent")
        wait_until("the server", lambda: stack.call(*ping, ok=False).returncode == 0, 120)
        stack.call(*pipeline, "migrate")
        stack.call(*pipeline, "daily")
        left = "$(df --output=avail -B1 /var/lib/mysql | tail -n 1)"
        fill = f"head -c $(({left} - 4000000)) /dev/zero > /var/lib/mysql/filler"
        stack.call("docker", "exec", server, "sh", "-c", fill)
        today = time.strftime("%Y-%m-%d", time.gmtime())
        done = stack.call(*pipeline, "backfill", "--from", "2026-01-01", "--to", today, "--top", "400", ok=False)
        assert done.returncode == 1
        assert "has no space left to write to" in done.stdout + done.stderr
        assert "make room where its data are" in done.stdout + done.stderr
    finally:
        stack.call("docker", "rm", "--force", server)
