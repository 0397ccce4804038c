"""What a run's container is: docker/dagster-runs.yaml asks for it, docker-gate makes it anew from what is read here.

Nothing that was asked for goes on to Docker as it came. Docker takes a key in any case and the last of two, so a body
that could be read in two ways is refused before it is read in one.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from docker.utils import parse_repository_tag
from pydantic import BaseModel, ConfigDict, Field, ValidationError

MOST_MEMORY_BYTES = 8 * 2**30
MOST_NANO_CPUS = 16 * 10**9
MOST_PROCESSES = 4096
"""Limits must be there; these are bounds on what a host's owner may raise them to."""
RUN_LABEL = "dagster/run_id"
JOB_LABEL = "dagster/job_name"
"""The labels that Dagster's launcher gives each run's container; by the first one is known again."""
OF_THE_LAUNCHER = frozenset({"DAGSTER_RUN_JOB_NAME"})
"""The variables that Dagster's launcher adds to those that it is configured to hand on."""
TMPFS = {"/tmp": "", "/var/lib/coingecko-pipeline": "uid=10001,gid=10001"}  # noqa: S108
"""The only folders that a run can write to, the volumes aside."""


class RequestUnreadable(ValueError):
    """A body is not JSON of one meaning; the message says why."""


class ContainerRefused(ValueError):
    """A container was asked for that is not a run's; the message says what is wrong with it."""


@dataclass(frozen=True)
class RunContainers:
    """What all containers of a deployment's runs have in common.

    Attributes:
        image: Their image.
        network: The one network that they are on.
        volumes: The named volumes that they bind, as `name:path`.
        variables: The names that their environment may have.
    """

    image: str
    network: str
    volumes: tuple[str, ...] = ()
    variables: frozenset[str] = OF_THE_LAUNCHER

    def has(self, container: Mapping[str, Any]) -> bool:
        """Whether what Docker tells of a container says that it is a run's of this deployment, of whichever version."""
        config = container["Config"]
        return (
            _repository(config["Image"]) == _repository(self.image)
            and RUN_LABEL in (config["Labels"] or {})
            and container["HostConfig"]["NetworkMode"] == self.network
        )


def _repository(image: str) -> str:
    # A name may have a tag and a digest; the function takes off one of them.
    return str(parse_repository_tag(parse_repository_tag(image)[0])[0])


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class _Labels(_Strict):
    run_id: str = Field(alias=RUN_LABEL, pattern="^[0-9a-f-]{36}$")
    # Dagster's own rule for names.
    job_name: str = Field(alias=JOB_LABEL, pattern="^[A-Za-z0-9_]{1,255}$")


class _Empty(_Strict):
    """An object without a key."""


class _HostConfig(_Strict):
    """The part of a container that could reach the host."""

    AutoRemove: Literal[True]
    Binds: list[str] = []
    CapDrop: list[Literal["ALL"]] = Field(min_length=1, max_length=1)
    Memory: int = Field(gt=0, le=MOST_MEMORY_BYTES)
    NanoCpus: int = Field(gt=0, le=MOST_NANO_CPUS)
    NetworkMode: str
    PidsLimit: int = Field(gt=0, le=MOST_PROCESSES)
    ReadonlyRootfs: Literal[True]
    SecurityOpt: list[Literal["no-new-privileges:true"]] = Field(min_length=1, max_length=1)
    Tmpfs: dict[str, str]


class _Container(_Strict):
    """A container as Docker's client asks for it: each field that is not here is refused, at any depth."""

    Image: str
    Cmd: list[str]
    Env: list[str] = []
    Labels: _Labels
    HostConfig: _HostConfig
    # As docker 7 has it; Docker itself reads NetworkMode and ignores this.
    NetworkingConfig: dict[str, None]
    # The paths of the binds once more.
    Volumes: dict[str, _Empty] | None = None
    # What the client always names and a run leaves as the image has it.
    AttachStdin: Literal[False] = False
    AttachStdout: Literal[False] = False
    AttachStderr: Literal[False] = False
    Domainname: None = None
    Entrypoint: None = None
    ExposedPorts: None = None
    Healthcheck: None = None
    Hostname: None = None
    MacAddress: None = None
    NetworkDisabled: Literal[False] = False
    OpenStdin: Literal[False] = False
    Runtime: None = None
    StdinOnce: Literal[False] = False
    StopSignal: None = None
    StopTimeout: None = None
    Tty: Literal[False] = False
    User: None = None
    WorkingDir: None = None


def read_request(body: bytes) -> object:
    """Read JSON that every reader takes for the same.

    Raises:
        RequestUnreadable: It is not JSON in UTF-8, is too deep, or an object has a key twice, in whatever case.
    """
    try:
        return json.loads(body.decode(), object_pairs_hook=_without_doubles)
    except RequestUnreadable:
        raise
    # A number of thousands of digits is a ValueError too.
    except (ValueError, RecursionError):
        raise RequestUnreadable("the body is not JSON") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    doubled = [key for key, times in Counter(key.casefold() for key, _ in pairs).items() if times > 1]
    if doubled:
        raise RequestUnreadable(f"the key {doubled[0]} is there twice")
    return dict(pairs)


def run_container(asked: object, runs: RunContainers) -> dict[str, Any]:
    """Make the request for a run's container: command, variables, labels and limits as asked, all else as it has to be.

    Args:
        asked: What `read_request` read of a call to create a container.
        runs: What a run's container has here.

    Raises:
        ContainerRefused: Something else was asked for.
    """
    try:
        container = _Container.model_validate(asked)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'container'}: {each['msg']}" for each in error.errors())
        raise ContainerRefused(f"not a run's container: {wrong}") from None
    host = container.HostConfig
    if container.Image != runs.image:
        raise ContainerRefused(f"the image {container.Image} is not {runs.image}")
    match container.Cmd:
        case ["dagster", "api", "execute_run" | "resume_run", _]:
            pass
        case _:
            raise ContainerRefused("its command is not the execution of a run")
    for network in (host.NetworkMode, *container.NetworkingConfig):
        if network != runs.network:
            raise ContainerRefused(f"the network {network} is not {runs.network}")
    if sorted(bind.removesuffix(":rw") for bind in host.Binds) != sorted(runs.volumes):
        raise ContainerRefused(f"the volumes bound are not {' and '.join(runs.volumes) or 'none'}")
    if not {volume.split(":")[1] for volume in runs.volumes}.issuperset(container.Volumes or {}):
        raise ContainerRefused("Volumes has a path that nothing is bound to")
    if host.Tmpfs != TMPFS:
        raise ContainerRefused(f"Tmpfs is not {TMPFS}")
    _check_variables(container.Env, runs.variables)
    return {
        "Image": runs.image,
        "Cmd": container.Cmd,
        "Env": container.Env,
        "Labels": {RUN_LABEL: container.Labels.run_id, JOB_LABEL: container.Labels.job_name},
        "HostConfig": {
            "AutoRemove": True,
            "Binds": list(runs.volumes),
            "CapDrop": ["ALL"],
            "Memory": host.Memory,
            "NanoCpus": host.NanoCpus,
            "NetworkMode": runs.network,
            "PidsLimit": host.PidsLimit,
            "ReadonlyRootfs": True,
            "SecurityOpt": ["no-new-privileges:true"],
            "Tmpfs": TMPFS,
        },
        "NetworkingConfig": {"EndpointsConfig": {runs.network: {}}},
    }


def _check_variables(environment: Sequence[str], known: frozenset[str]) -> None:
    # An entry without a value takes a variable away from the image; it could be a secret, so it is not told.
    if any("=" not in entry for entry in environment):
        raise ContainerRefused("Env: an entry has no value")
    for name, times in Counter(entry.split("=", 1)[0] for entry in environment).items():
        if name not in known:
            raise ContainerRefused(f"Env: {name} is none of a run's variables")
        if times > 1:
            raise ContainerRefused(f"Env: {name} is there twice")
