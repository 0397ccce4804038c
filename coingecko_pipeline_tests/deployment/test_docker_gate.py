"""docker-gate: a run's container comes through, as Dagster's launcher asks for it, and nothing else does."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from docker.errors import APIError, NotFound

import docker
from coingecko_pipeline_tests.deployment.engine import (
    COMMAND,
    CREATED,
    FIRST_RUN,
    IMAGE,
    LABELS,
    LAUNCHER,
    NETWORK,
    VARIABLES,
    VOLUME,
    FakeEngine,
    served,
)

OF_MYSQL = "e" * 64
OF_BEFORE = "b" * 64


@contextmanager
def client_of(engine: FakeEngine) -> Iterator[docker.DockerClient]:
    """Docker's own client, whose Docker is the gate."""
    with served(engine) as address:
        client = docker.DockerClient(base_url=f"tcp://{address}", version="1.41")
        yield client
        client.close()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def client(engine: FakeEngine) -> Iterator[docker.DockerClient]:
    with client_of(engine) as client:
        yield client


def ask(client: docker.DockerClient, **other: Any) -> Any:
    """Create a container as Dagster's launcher does, but for what is given."""
    asked = {
        "image": IMAGE,
        "command": COMMAND,
        "detach": True,
        "environment": dict(entry.split("=", 1) for entry in VARIABLES),
        "network": NETWORK,
        "labels": LABELS,
        # The code location's part of it, see docker-compose.yml.
        "volumes": [VOLUME],
        **LAUNCHER["container_kwargs"],
    }
    return client.containers.create(**{**asked, **other})


def test_a_runs_container_is_created_started_watched_and_stopped(
    engine: FakeEngine, client: docker.DockerClient
) -> None:
    container = ask(client)
    assert engine.created == [CREATED]
    container.start()
    assert client.containers.get(container.id).status == "running"
    container.stop(timeout=5)
    container.stop()
    assert engine.told == [("start", FIRST_RUN), ("stop after 5", FIRST_RUN), ("stop after 30", FIRST_RUN)]


def test_of_a_container_its_id_state_image_and_two_labels_are_told_and_nothing_else(
    engine: FakeEngine, client: docker.DockerClient
) -> None:
    ask(client)
    assert client.api.inspect_container(FIRST_RUN) == {
        "Id": FIRST_RUN,
        "State": {"Status": "running", "Running": True},
        "Config": {"Image": IMAGE, "Labels": LABELS},
    }
    engine.add(OF_BEFORE, IMAGE, {**LABELS, "another": "label"})
    assert client.api.inspect_container(OF_BEFORE)["Config"]["Labels"] == LABELS
    assert client.version() == {"ApiVersion": "1.41", "MinAPIVersion": "1.12"}


@pytest.mark.parametrize("image", ["coingecko-pipeline:1.2.2", "coingecko-pipeline", "coingecko-pipeline:1@sha256:1f"])
def test_a_run_of_another_version_is_watched_and_stopped_and_not_started(
    engine: FakeEngine, client: docker.DockerClient, image: str
) -> None:
    engine.add(OF_BEFORE, image, LABELS)
    container = client.containers.get(OF_BEFORE)
    assert container.status == "running"
    container.stop(timeout=5)
    with pytest.raises(APIError, match=f"no container of {re.escape(IMAGE)}"):
        container.start()
    assert engine.told == [("stop after 5", OF_BEFORE)]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"image": "alpine"}, "the image alpine is not"),
        ({"command": ["sh", "-c", "id"]}, "its command is not the execution of a run"),
        ({"command": ["dagster", "api", "grpc"]}, "its command is not the execution of a run"),
        ({"entrypoint": ["sh"]}, "Entrypoint"),
        ({"user": "0:0"}, "User"),
        ({"labels": {}}, "Labels"),
        ({"labels": {"dagster/job_name": "a_job"}}, "Labels.dagster/run_id: Field required"),
        ({"labels": {**LABELS, "another": "label"}}, "Labels.another"),
        ({"labels": {**LABELS, "dagster/run_id": "4711"}}, "Labels.dagster/run_id"),
        ({"environment": {"LD_PRELOAD": "/tmp/mine.so"}}, "LD_PRELOAD is none of a run's variables"),
        ({"environment": ["COINGECKO_PLAN"]}, "an entry has no value"),
        ({"environment": ["COINGECKO_PLAN=demo", "COINGECKO_PLAN=lite"]}, "COINGECKO_PLAN is there twice"),
        ({"name": "mysql"}, "no name and no platform"),
        ({"platform": "linux/arm64"}, "no name and no platform"),
        ({"hostname": "mysql"}, "Hostname"),
        ({"command": [*COMMAND, "--help"]}, "its command is not the execution of a run"),
        ({"tmpfs": {"/opt": ""}}, "Tmpfs is not"),
        ({"volumes": []}, "the volumes bound are not some-network-report:/srv/report"),
        ({"volumes": [VOLUME, VOLUME]}, "the volumes bound are not"),
        ({"volumes": [f"{VOLUME}:z"]}, "the volumes bound are not"),
        ({"pids_limit": -1}, "PidsLimit"),
        ({"network": "host"}, "the network host is not"),
        ({"network": None, "network_mode": "host"}, "NetworkingConfig"),
        ({"privileged": True}, "Privileged"),
        ({"volumes": ["/:/host"]}, "the volumes bound are not"),
        ({"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]}, "the volumes bound are not"),
        ({"mounts": [docker.types.Mount("/host", "/", type="bind")]}, "Mounts"),
        ({"devices": ["/dev/sda:/dev/sda:rwm"]}, "Devices"),
        ({"cap_add": ["SYS_ADMIN"]}, "CapAdd"),
        ({"cap_drop": []}, "CapDrop"),
        ({"security_opt": ["seccomp=unconfined"]}, "SecurityOpt"),
        ({"security_opt": ["no-new-privileges:true", "apparmor=unconfined"]}, "SecurityOpt"),
        ({"pid_mode": "host"}, "PidMode"),
        ({"ipc_mode": "host"}, "IpcMode"),
        ({"read_only": False}, "ReadonlyRootfs"),
        ({"mem_limit": None}, "Memory"),
        ({"mem_limit": "900g"}, "Memory"),
        ({"auto_remove": False}, "AutoRemove"),
        ({"ports": {"80/tcp": 80}}, "PortBindings"),
        ({"volumes_from": ["mysql"]}, "VolumesFrom"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_any_other_container_is_refused_with_what_is_wrong_and_docker_is_not_asked(
    engine: FakeEngine, client: docker.DockerClient, other: dict[str, Any], reason: str
) -> None:
    with pytest.raises(APIError) as refused:
        ask(client, **other)
    assert refused.value.status_code == 403
    assert reason in str(refused.value.explanation)
    assert engine.created == []


@pytest.mark.parametrize(
    ("image", "labels", "network"),
    [
        ("mysql:9.7", None, NETWORK),
        ("mysql:9.7", LABELS, NETWORK),
        (f"example.net/{IMAGE}", LABELS, NETWORK),
        (IMAGE, {"com.docker.compose.service": "daemon"}, NETWORK),
        (IMAGE, LABELS, "another-deployment"),
    ],
    ids=["mysql", "labelled", "anothers-image", "a-service", "another-deployments-run"],
)
def test_a_container_that_is_no_run_of_ours_can_be_neither_seen_nor_stopped(
    engine: FakeEngine, client: docker.DockerClient, image: str, labels: dict[str, str] | None, network: str
) -> None:
    engine.add(OF_MYSQL, image, labels, network)
    for attempt in (client.api.inspect_container, client.api.start, client.api.stop):
        with pytest.raises(APIError, match="not a run's container"):
            attempt(OF_MYSQL)
    assert engine.told == []


@pytest.mark.parametrize("name", ["gone", "0" * 64, "..", "mysql", "*", f"{FIRST_RUN[:-1]}?"])
def test_a_container_that_is_gone_or_not_named_by_its_whole_id_is_not_found(
    client: docker.DockerClient, name: str
) -> None:
    with pytest.raises(NotFound):
        client.containers.get(name)


def test_an_engine_that_is_away_is_told_of_in_a_sentence() -> None:
    class Away(FakeEngine):
        def inspect_container(self, container: str) -> dict[str, Any]:
            raise requests.ConnectionError(f"no socket for {container}")

    with client_of(Away()) as client, pytest.raises(APIError, match="Docker does not answer: no socket") as failed:
        client.containers.get(FIRST_RUN)
    assert failed.value.status_code == 502


@pytest.mark.parametrize(
    "attempt",
    [
        lambda api: api.containers(),
        lambda api: api.images(),
        lambda api: api.pull("alpine", tag="latest"),
        lambda api: api.exec_create(FIRST_RUN, "id"),
        lambda api: api.remove_container(FIRST_RUN),
        lambda api: api.create_volume("v"),
        lambda api: api.info(),
    ],
    ids=["list", "images", "pull", "exec", "remove", "volume", "info"],
)
def test_the_rest_of_dockers_api_is_not_there(client: docker.DockerClient, attempt: Any) -> None:
    ask(client)
    with pytest.raises(APIError) as refused:
        attempt(client.api)
    assert refused.value.status_code in (404, 405)
