"""What a run's container may be: docker/dagster-runs.yaml asks for it, and docker-gate lets nothing else through."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

MOST_MEMORY_BYTES = 8 * 2**30
MOST_NANO_CPUS = 16 * 10**9
"""Limits must be there; these are bounds on what a host's owner may raise them to."""
RUN_LABEL = "dagster/run_id"
"""The label that Dagster's launcher gives each run's container, and by which one is known again."""


class ContainerRefused(ValueError):
    """A container was asked for that is not a run's; the message says what is wrong with it."""


def _asks_for_no_more(options: list[str]) -> list[str]:
    if options not in (["no-new-privileges:true"], ["no-new-privileges"]):
        raise ValueError("must be no-new-privileges alone")
    return options


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class _HostConfig(_Strict):
    """The part of a container that could reach the host: each field that is not here is refused."""

    AutoRemove: Literal[True]
    CapDrop: tuple[Literal["ALL"]] = Field(strict=False)
    Memory: int = Field(gt=0, le=MOST_MEMORY_BYTES)
    NanoCpus: int = Field(gt=0, le=MOST_NANO_CPUS)
    NetworkMode: str
    PidsLimit: int = Field(gt=0)
    ReadonlyRootfs: Literal[True]
    SecurityOpt: Annotated[list[str], AfterValidator(_asks_for_no_more)]
    Tmpfs: dict[str, str] = {}
    Binds: list[str] = []


class _Container(_Strict):
    Image: str
    Cmd: list[str]
    Env: list[str] = []
    Labels: dict[str, str]
    HostConfig: _HostConfig
    NetworkingConfig: dict[str, Any] = {}
    # The paths of the binds once more, as Docker's client has it.
    Volumes: dict[str, dict[str, str]] = {}

    @model_validator(mode="after")
    def _is_a_run(self) -> Self:
        if self.Cmd[:2] != ["dagster", "api"] or self.Cmd[2:3] not in (["execute_run"], ["resume_run"]):
            raise ValueError("its command is not the execution of a run")
        if RUN_LABEL not in self.Labels:
            raise ValueError(f"the label {RUN_LABEL} is missing")
        return self


def check_run_container(asked: Mapping[str, Any], image: str, network: str, volumes: frozenset[str]) -> dict[str, Any]:
    """Give what Docker is asked for, where that is a run's container.

    Args:
        asked: The body of a call to create a container; fields without a value do not count.
        image: The only image allowed.
        network: The only network allowed.
        volumes: The named volumes that may be bound, as `name:path`.

    Raises:
        ContainerRefused: It is another container, or has more rights than a run's.
    """
    given = {name: value for name, value in asked.items() if value}
    given["HostConfig"] = {name: value for name, value in (given.get("HostConfig") or {}).items() if value}
    try:
        container = _Container.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'container'}: {each['msg']}" for each in error.errors())
        raise ContainerRefused(f"not a run's container: {wrong}") from None
    networks = {container.HostConfig.NetworkMode, *container.NetworkingConfig.get("EndpointsConfig", {network: None})}
    wrong_bind = next((bind for bind in container.HostConfig.Binds if bind.removesuffix(":rw") not in volumes), None)
    if container.Image != image:
        raise ContainerRefused(f"the image {container.Image} is not {image}")
    if networks != {network}:
        raise ContainerRefused(f"the network {', '.join(sorted(networks - {network}))} is not {network}")
    if wrong_bind is not None:
        raise ContainerRefused(f"the volume {wrong_bind} may not be bound")
    return given
