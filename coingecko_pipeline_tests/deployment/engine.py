"""The gate served before an engine that only notes what it is told, and the request that Dagster's launcher makes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import uvicorn
import yaml
from docker.errors import NotFound

from coingecko_pipeline.deployment.docker_gate import gate, variables_of_runs
from coingecko_pipeline.deployment.run_container import RunContainers
from coingecko_pipeline_tests.deployment.checkout import PROJECT

IMAGE = "coingecko-pipeline:1.2.3"
NETWORK = "some-network"
VOLUME = "some-network-report:/srv/report"
CONFIG = (PROJECT / "docker" / "dagster-runs.yaml").read_text(encoding="utf-8")
LAUNCHER = yaml.safe_load(CONFIG)["run_launcher"]["config"]
RUNS = RunContainers(IMAGE, NETWORK, (VOLUME,), variables_of_runs(CONFIG))
COMMAND = ["dagster", "api", "execute_run", "{}"]
LABELS = {"dagster/run_id": "8a3f6a52-7d1f-4c1e-9b5e-0d8f7c6b5a49", "dagster/job_name": "daily_market_job"}
VARIABLES = ["COINGECKO_PLAN=demo", "COINGECKO_API_KEY=CG-secret", "DAGSTER_RUN_JOB_NAME=daily_market_job"]

CREATED: dict[str, Any] = {
    "Image": IMAGE,
    "Cmd": COMMAND,
    "Env": VARIABLES,
    "Labels": LABELS,
    "HostConfig": {
        "AutoRemove": True,
        "Binds": [VOLUME],
        "CapDrop": ["ALL"],
        "Memory": 2**30,
        "NanoCpus": 2 * 10**9,
        "NetworkMode": NETWORK,
        "PidsLimit": 256,
        "ReadonlyRootfs": True,
        "SecurityOpt": ["no-new-privileges:true"],
        "Tmpfs": {"/tmp": "", "/var/lib/coingecko-pipeline": "uid=10001,gid=10001"},
    },
    "NetworkingConfig": {"EndpointsConfig": {NETWORK: {}}},
}
"""The whole of what Docker is to be asked for."""

ASKED: dict[str, Any] = {
    **dict.fromkeys(("Hostname", "Domainname", "ExposedPorts", "User", "Entrypoint", "WorkingDir", "MacAddress")),
    **dict.fromkeys(("StopSignal", "Healthcheck", "StopTimeout", "Runtime")),
    **dict.fromkeys(("Tty", "OpenStdin", "StdinOnce", "AttachStdin", "AttachStdout", "AttachStderr"), False),
    **CREATED,
    "Volumes": {"/srv/report": {}},
    "NetworkDisabled": False,
    "NetworkingConfig": {NETWORK: None},
}
"""The same as Docker's client asks for it."""

FIRST_RUN = f"{1:064x}"
"""The id of the first container that is created."""


def response(status: int) -> requests.Response:
    """An answer of Docker's with this status."""
    answer = requests.Response()
    answer.status_code = status
    return answer


class FakeEngine:
    """Stands for Docker: keeps what it is told."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.told: list[tuple[str, str]] = []
        self.known: dict[str, dict[str, Any]] = {}

    def version(self, api_version: bool) -> dict[str, Any]:
        return {"ApiVersion": "1.41", "MinAPIVersion": "1.12", "KernelVersion": "6.1", "by_version": api_version}

    def create_container_from_config(self, config: dict[str, Any]) -> dict[str, Any]:
        self.created.append(config)
        identity = f"{len(self.created):064x}"
        self.add(identity, config["Image"], config["Labels"], config["HostConfig"]["NetworkMode"], config["Env"])
        return {"Id": identity, "Warnings": ["your kernel does not know swap"]}

    def add(
        self,
        identity: str,
        image: str,
        labels: dict[str, str] | None,
        network: str = NETWORK,
        environment: list[str] | None = None,
    ) -> None:
        """Have a container, with all that Docker tells of one."""
        self.known[identity] = {
            "Id": identity,
            "Image": "sha256:0",
            "Name": "/eager_turing",
            "Config": {"Image": image, "Labels": labels, "Env": environment or VARIABLES, "Cmd": COMMAND},
            "State": {"Status": "running", "Running": True, "Pid": 4711, "Health": {"Log": [{"Output": "CG-secret"}]}},
            "HostConfig": {"NetworkMode": network, "Binds": [VOLUME]},
            "Mounts": [{"Source": "/var/lib/docker/volumes/some-network-report/_data"}],
            "NetworkSettings": {"Networks": {network: {"IPAddress": "172.18.0.9"}}},
        }

    def inspect_container(self, container: str) -> dict[str, Any]:
        if container not in self.known:
            raise NotFound("none", response=response(404), explanation="No such container")
        return self.known[container]

    def start(self, container: str) -> None:
        self.told.append(("start", container))

    def stop(self, container: str, timeout: int) -> None:
        self.told.append((f"stop after {timeout}", container))


class _Served(uvicorn.Server):
    """A server in a thread of its own that tells when it is ready."""

    def __init__(self, engine: FakeEngine) -> None:
        application = gate(engine, RUNS)  # type: ignore[arg-type]
        super().__init__(uvicorn.Config(application, log_level="critical", lifespan="off", ws="none"))
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def served(engine: FakeEngine) -> Iterator[str]:
    """The gate before an engine, by its address."""
    server = _Served(engine)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        assert server.ready.wait(30)
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()
