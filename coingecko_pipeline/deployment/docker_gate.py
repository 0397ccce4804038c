"""docker-gate: the part of Docker's API that launching, watching and ending a run's container needs, and no more.

Whoever reaches Docker's socket is root on its host. So one small program has it, and the daemon and the webserver reach
that program alone. It takes no call on and hands no answer on: it reads what is asked, asks Docker itself, and tells of
the answer what Dagster's launcher reads.

    GET  /version                    which API Docker speaks
    POST /containers/create          a run's container, see `run_container`
    GET  /containers/<id>/json       of a run's container: whether it still runs
    POST /containers/<id>/start      the same
    POST /containers/<id>/stop       the same

What runs of another version of the image is watched and stopped like the rest, and not started.
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
import uvicorn
import yaml
from docker.errors import APIError, DockerException
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import docker
from coingecko_pipeline.deployment.run_container import (
    JOB_LABEL,
    OF_THE_LAUNCHER,
    RUN_LABEL,
    ContainerRefused,
    RequestUnreadable,
    RunContainers,
    read_request,
    run_container,
)

PORT = 2375
DOCKER_SOCKET = "unix:///var/run/docker.sock"
DAGSTER_CONFIG = Path("/opt/dagster/home/dagster.yaml")
"""Where docker/dagster-runs.yaml is in the image: it names the variables that a run is given."""
CONTAINER_ID = re.compile("[0-9a-f]{64}")
STOP_SECONDS = 30
"""What a container gets to end by itself where nobody says otherwise: a run ends within ten seconds of the signal, and
what is left is for its last commit, which must not be cut off where the server is slow."""
LONGEST_STOP_SECONDS = 600
MOST_BYTES = 1_000_000
"""Of a body: Linux takes no argument above 128 kB, and the command of a run is nearly all of it."""
TOLD_OF_STATE = ("Status", "Running", "OOMKilled", "ExitCode", "Error", "StartedAt", "FinishedAt")
"""What is told of a container's state; a health check's output, for one, is not."""


def gate(engine: docker.APIClient, runs: RunContainers) -> Starlette:
    """The program as a web application.

    Args:
        engine: Docker.
        runs: Which containers are runs'.
    """

    def version(_request: Request) -> Response:
        told = engine.version(api_version=False)
        return JSONResponse({name: told[name] for name in ("ApiVersion", "MinAPIVersion") if name in told})

    async def create(request: Request) -> Response:
        if request.query_params:
            raise HTTPException(403, "docker-gate refused: a run's container has no name and no platform of its own")
        try:
            wanted = run_container(read_request(await _body(request)), runs)
        except RequestUnreadable as error:
            raise HTTPException(400, f"docker-gate: {error}") from None
        except ContainerRefused as error:
            raise HTTPException(403, f"docker-gate refused: {error}") from None
        created = await run_in_threadpool(engine.create_container_from_config, wanted)
        return JSONResponse({"Id": created["Id"], "Warnings": []}, 201)

    def inspect(request: Request) -> Response:
        container = _run_container(request)
        config = container["Config"]
        told = {
            "Id": container["Id"],
            "State": {name: container["State"][name] for name in TOLD_OF_STATE if name in container["State"]},
            "Config": {
                "Image": config["Image"],
                "Labels": {name: config["Labels"][name] for name in (RUN_LABEL, JOB_LABEL) if name in config["Labels"]},
            },
        }
        return JSONResponse(told)

    def start(request: Request) -> Response:
        container = _run_container(request)
        if container["Config"]["Image"] != runs.image:
            raise HTTPException(403, f"docker-gate refused: this is no container of {runs.image}")
        engine.start(container["Id"])
        return Response(status_code=204)

    def stop(request: Request) -> Response:
        asked = request.query_params.get("t", str(STOP_SECONDS))
        if not (asked.isdecimal() and len(asked) <= len(str(LONGEST_STOP_SECONDS))):
            raise HTTPException(400, f"docker-gate: t is not a number of seconds up to {LONGEST_STOP_SECONDS}")
        engine.stop(_run_container(request)["Id"], timeout=min(int(asked), LONGEST_STOP_SECONDS))
        return Response(status_code=204)

    def _run_container(request: Request) -> dict[str, Any]:
        """The container that a call is about, where it is a run's."""
        asked = request.path_params["id"]
        if not CONTAINER_ID.fullmatch(asked):
            raise HTTPException(404, "docker-gate: there is no such container; it is named by its whole id")
        container: dict[str, Any] = engine.inspect_container(asked)
        if not runs.has(container):
            raise HTTPException(403, "docker-gate refused: this is not a run's container")
        return container

    def said_no(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 502
        words = error.detail if isinstance(error, HTTPException) else f"docker-gate: Docker does not answer: {error}"
        if isinstance(error, APIError):
            status, words = error.status_code or 502, str(error.explanation)
        return JSONResponse({"message": words}, status)

    routes = [
        Route("/version", version),
        Route("/containers/create", create, methods=["POST"]),
        Route("/containers/{id}/json", inspect),
        Route("/containers/{id}/start", start, methods=["POST"]),
        Route("/containers/{id}/stop", stop, methods=["POST"]),
    ]
    # Docker's clients put the version of the API that they speak in front.
    versioned = [Route(f"/v{{version}}{route.path}", route.endpoint, methods=route.methods) for route in routes]
    failures = (HTTPException, APIError, DockerException, requests.RequestException)
    handlers: Mapping[Any, Any] = dict.fromkeys(failures, said_no)
    return Starlette(routes=[*routes, *versioned], exception_handlers=handlers)


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"docker-gate: the body has more than {MOST_BYTES:,} bytes")
    return body


def variables_of_runs(dagster_config: str) -> frozenset[str]:
    """The names of the variables that a run is given: those that the launcher is configured with, and its own."""
    return OF_THE_LAUNCHER.union(yaml.safe_load(dagster_config)["run_launcher"]["config"]["env_vars"])


def main() -> None:
    """Serve until the process is told to end: RUN_IMAGE, RUN_NETWORK and RUN_VOLUMES say what may be launched."""
    missing = [name for name in ("RUN_IMAGE", "RUN_NETWORK") if not os.environ.get(name)]
    if missing:
        sys.exit(f"docker-gate: {' and '.join(missing)} must say which containers may be launched.")
    try:
        engine = docker.APIClient(base_url=DOCKER_SOCKET, version="auto")
    except DockerException as error:
        sys.exit(
            f"docker-gate: Docker does not answer at {DOCKER_SOCKET} ({error}). Where DOCKER_GID in .env is not the "
            "socket's group, delete its line and run `make secrets`, which finds it out. docs/operations.md tells how "
            "to do without Docker for the runs."
        )
    runs = RunContainers(
        os.environ["RUN_IMAGE"],
        os.environ["RUN_NETWORK"],
        tuple(os.environ.get("RUN_VOLUMES", "").split()),
        variables_of_runs(DAGSTER_CONFIG.read_text(encoding="utf-8")),
    )
    # All interfaces of a container that is on one internal network.
    uvicorn.run(gate(engine, runs), host="0.0.0.0", port=PORT, log_level="warning")  # noqa: S104


if __name__ == "__main__":
    main()
