"""docker-gate: the part of Docker's API that launching, watching and ending a run's container needs, and no more.

Whoever reaches Docker's socket is root on its host. So one small program has it, and the daemon and the webserver reach
that program alone. It takes no call on: it checks what is asked and then asks Docker itself.

    GET  /version                    that the API is there
    POST /containers/create          a run's container, see `run_container`
    GET  /containers/<id>/json       of a run's container: whether it still runs
    POST /containers/<id>/start      the same
    POST /containers/<id>/stop       the same
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

import uvicorn
from docker.errors import APIError, DockerException
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import docker
from coingecko_pipeline.deployment.run_container import RUN_LABEL, ContainerRefused, check_run_container

PORT = 2375
DOCKER_SOCKET = "unix:///var/run/docker.sock"
STOP_SECONDS = 10
"""What Docker gives a container to end by itself where nobody says otherwise."""


def gate(engine: docker.APIClient, image: str, network: str, volumes: frozenset[str] = frozenset()) -> Starlette:
    """The program as a web application.

    Args:
        engine: Docker.
        image: The only image that a run's container may have.
        network: The only network that it may be on.
        volumes: The named volumes that it may bind, as `name:path`.
    """

    def version(_request: Request) -> Response:
        return JSONResponse(engine.version(api_version=False))

    async def create(request: Request) -> Response:
        asked = await request.json()
        if not isinstance(asked, Mapping):
            raise HTTPException(400, "docker-gate: the body is not an object")
        try:
            allowed = check_run_container(asked, image, network, volumes)
        except ContainerRefused as error:
            raise HTTPException(403, f"docker-gate refused: {error}") from None
        created = engine.create_container_from_config(allowed)  # type: ignore[no-untyped-call]
        return JSONResponse(created, 201)

    def inspect(request: Request) -> Response:
        return JSONResponse(_run_container(request))

    def start(request: Request) -> Response:
        engine.start(_run_container(request)["Id"])
        return Response(status_code=204)

    def stop(request: Request) -> Response:
        seconds = request.query_params.get("t", str(STOP_SECONDS))
        engine.stop(_run_container(request)["Id"], timeout=int(seconds) if seconds.isdecimal() else STOP_SECONDS)
        return Response(status_code=204)

    def _run_container(request: Request) -> dict[str, Any]:
        """The container that a call is about, where it is a run's."""
        container: dict[str, Any] = engine.inspect_container(request.path_params["id"])
        config = container["Config"]
        if config["Image"] != image or RUN_LABEL not in (config["Labels"] or {}):
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
    handlers: Mapping[Any, Any] = {HTTPException: said_no, APIError: said_no, DockerException: said_no}
    return Starlette(routes=[*routes, *versioned], exception_handlers=handlers)


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
    volumes = frozenset(os.environ.get("RUN_VOLUMES", "").split())
    application = gate(engine, os.environ["RUN_IMAGE"], os.environ["RUN_NETWORK"], volumes)
    # All interfaces of a container that is on one internal network.
    uvicorn.run(application, host="0.0.0.0", port=PORT, log_level="warning")  # noqa: S104


if __name__ == "__main__":
    main()
