"""docker-gate: a run's container comes through, as Dagster's launcher asks for it, and nothing else does."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import uvicorn
import yaml
from docker.errors import APIError, NotFound

import docker
from coingecko_pipeline.deployment.docker_gate import gate
from coingecko_pipeline_tests.deployment.checkout import PROJECT

IMAGE = "coingecko-pipeline:1.2.3"
NETWORK = "some-network"
VOLUME = "report:/var/lib/report"
COMMAND = ["dagster", "api", "execute_run", "{}"]
LAUNCHER = yaml.safe_load((PROJECT / "docker" / "dagster-runs.yaml").read_text(encoding="utf-8"))["run_launcher"]


class FakeEngine:
    """Stands for Docker: keeps what it is told."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.told: list[tuple[str, str]] = []
        self.others = {"mysql": {"Id": "mysql", "Config": {"Image": "mysql:9.7", "Labels": None}, "State": {}}}

    def version(self, api_version: bool) -> dict[str, str]:
        return {"ApiVersion": "1.41", "Version": "20.10", "asked_by_version": str(api_version)}

    def create_container_from_config(self, config: dict[str, Any]) -> dict[str, Any]:
        if config["Labels"].get("lost"):
            raise NotFound("no such image", response=answer(404), explanation="No such image")
        self.created.append(config)
        return {"Id": f"run-{len(self.created)}", "Warnings": []}

    def inspect_container(self, container_id: str) -> dict[str, Any]:
        if container_id in self.others:
            return self.others[container_id]
        if not container_id.startswith("run-"):
            raise NotFound("none", response=answer(404), explanation="No such container")
        config = self.created[int(container_id.removeprefix("run-")) - 1]
        return {"Id": container_id, "Config": config, "State": {"Status": "running"}, "Image": "sha256:0"}

    def start(self, container_id: str) -> None:
        self.told.append(("start", container_id))

    def stop(self, container_id: str, timeout: int) -> None:
        self.told.append((f"stop after {timeout}", container_id))


def answer(status: int) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    return response


class Served(uvicorn.Server):
    """A server in a thread of its own, for as long as a block runs."""

    def __init__(self, engine: FakeEngine) -> None:
        application = gate(engine, IMAGE, NETWORK, frozenset({VOLUME}))  # type: ignore[arg-type]
        super().__init__(uvicorn.Config(application, log_level="critical", lifespan="off", ws="none"))
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def client_of(engine: FakeEngine) -> Iterator[docker.DockerClient]:
    """Docker's own client, whose Docker is the gate."""
    server = Served(engine)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        assert server.ready.wait(30)
        client = docker.DockerClient(base_url=f"tcp://127.0.0.1:{listening.getsockname()[1]}", version="1.41")
        yield client
        client.close()
        server.should_exit = True
        thread.join()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def client(engine: FakeEngine) -> Iterator[docker.DockerClient]:
    with client_of(engine) as client:
        yield client


def ask(client: docker.DockerClient, **other: Any) -> Any:
    """Create a container with what the launcher's config says, but for what is given."""
    asked = {
        "image": IMAGE,
        "command": COMMAND,
        "detach": True,
        "environment": {"COINGECKO_PLAN": "demo"},
        "network": NETWORK,
        "labels": {"dagster/run_id": "4711", "dagster/job_name": "daily_market_job"},
        **LAUNCHER["config"]["container_kwargs"],
    }
    return client.containers.create(**{**asked, **other})


def test_a_runs_container_is_created_started_watched_and_stopped(
    engine: FakeEngine, client: docker.DockerClient
) -> None:
    container = ask(client)
    container.start()
    assert client.containers.get(container.id).status == "running"
    container.stop(timeout=5)
    assert engine.told == [("start", "run-1"), ("stop after 5", "run-1")]
    created = engine.created[0]["HostConfig"]
    assert created["CapDrop"] == ["ALL"]
    assert created["ReadonlyRootfs"] is True
    assert created["Memory"] == 2**30


def test_a_run_may_bind_the_named_volume_that_the_gate_was_told_of(client: docker.DockerClient) -> None:
    assert ask(client, volumes=[f"{VOLUME}:rw"]).id == "run-1"


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"image": "alpine"}, "the image alpine is not"),
        ({"command": ["sh", "-c", "id"]}, "its command is not the execution of a run"),
        ({"command": ["dagster", "api", "grpc"]}, "its command is not the execution of a run"),
        ({"entrypoint": ["sh"]}, "Entrypoint"),
        ({"user": "0:0"}, "User"),
        ({"labels": {}}, "Labels"),
        ({"labels": {"another": "label"}}, "the label dagster/run_id is missing"),
        ({"network": "host"}, "the network host is not"),
        ({"network": None, "network_mode": "host"}, "the network host is not"),
        ({"privileged": True}, "Privileged"),
        ({"volumes": ["/:/host"]}, "the volume /:/host may not be bound"),
        ({"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]}, "may not be bound"),
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


def test_a_container_that_is_no_runs_can_be_neither_seen_nor_stopped(
    engine: FakeEngine, client: docker.DockerClient
) -> None:
    for attempt in (client.api.inspect_container, client.api.start, client.api.stop):
        with pytest.raises(APIError, match="not a run's container"):
            attempt("mysql")
    assert engine.told == []


def test_a_run_whose_container_is_gone_is_not_found(client: docker.DockerClient) -> None:
    with pytest.raises(NotFound):
        client.containers.get("gone")


@pytest.mark.parametrize(
    "attempt",
    [
        lambda api: api.containers(),
        lambda api: api.images(),
        lambda api: api.pull("alpine", tag="latest"),
        lambda api: api.exec_create("run-1", "id"),
        lambda api: api.remove_container("run-1"),
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
