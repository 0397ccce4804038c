"""Raw JSON sent to docker-gate: no field, in no spelling, reaches Docker but as a run has it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from coingecko_pipeline_tests.deployment.docker_fields import OF_A_CONTAINER, OF_ITS_HOST, OF_ITS_NETWORK
from coingecko_pipeline_tests.deployment.engine import (
    ASKED,
    COMMAND,
    CREATED,
    FIRST_RUN,
    IMAGE,
    LABELS,
    NETWORK,
    VOLUME,
    FakeEngine,
    served,
)

HOST: dict[str, Any] = ASKED["HostConfig"]
RUN = json.dumps(ASKED)
# Go's decoder folds the long s to s and the sign of Kelvin to k.
FOLDED = str.maketrans({"s": "\N{LATIN SMALL LETTER LONG S}", "k": "\N{KELVIN SIGN}"})


class Attacker:
    """Sends bodies to the gate as they are."""

    def __init__(self, address: str, engine: FakeEngine) -> None:
        self.engine, self._address = engine, address
        self._session = requests.Session()

    def call(self, method: str, path: str, body: str | bytes = b"") -> requests.Response:
        """Send a request."""
        data = body.encode() if isinstance(body, str) else body
        return self._session.request(method, f"http://{self._address}{path}", data=data, timeout=60)

    def create(self, body: str | bytes, path: str = "/v1.41/containers/create") -> requests.Response:
        """Ask for a container."""
        return self.call("POST", path, body)

    def assert_refused(self, body: str | bytes, path: str = "/v1.41/containers/create") -> None:
        """Ask for a container that must not come to be."""
        answer = self.create(body, path)
        assert answer.status_code in (400, 403, 413), (body[-200:], path)
        assert "docker-gate" in answer.json()["message"]
        assert self.engine.created == [], (body[-200:], path)


@pytest.fixture(scope="module")
def gate_alone() -> Iterator[Attacker]:
    engine = FakeEngine()
    with served(engine) as address:
        yield Attacker(address, engine)


@pytest.fixture
def attacker(gate_alone: Attacker) -> Attacker:
    gate_alone.engine.created.clear()
    gate_alone.engine.known.clear()
    gate_alone.engine.told.clear()
    return gate_alone


def spellings(key: str) -> list[str]:
    """The ways to write a key, as JSON, that Docker takes for the same or that a careless check takes for another."""
    cases = (key, key.lower(), key.upper(), key.swapcase(), key[0].lower() + key[1:], key.translate(FOLDED))
    escaped = f'"\\u{ord(key[0]):04x}{key[1:]}"'
    return [*(json.dumps(case, ensure_ascii=False) for case in dict.fromkeys(cases)), escaped]


def bodies(path: tuple[str, ...], key: str, value: Any, base: Mapping[str, Any] = ASKED) -> Iterator[str]:
    """A run's request with a field that it has not or has otherwise: in its place, before it, and after it."""
    for spelling in spellings(key):
        field = f"{spelling}: {json.dumps(value)}"
        for without, first in ((True, False), (False, True), (False, False)):
            yield _with_field(base, path, key if without else None, first).replace('"@": null', field, 1)


def _with_field(base: Mapping[str, Any], path: tuple[str, ...], without: str | None, first: bool) -> str:
    body = json.loads(json.dumps(base))
    place = body
    for step in path:
        place = place[step]
    rest = {name: value for name, value in place.items() if name != without}
    place.clear()
    place.update({"@": None, **rest} if first else {**rest, "@": None})
    return json.dumps(body)


def test_what_dagsters_launcher_asks_for_reaches_docker_as_a_runs_container(attacker: Attacker) -> None:
    for path in ("/containers/create", "/v1.41/containers/create", "/v1.52/containers/create"):
        assert attacker.create(RUN, path).status_code == 201
    assert attacker.engine.created == [CREATED] * 3


@pytest.mark.parametrize("field", OF_A_CONTAINER)
def test_no_field_of_a_container_is_another_than_a_runs_in_any_spelling(attacker: Attacker, field: str) -> None:
    for body in bodies((), field, OF_A_CONTAINER[field]):
        attacker.assert_refused(body)


@pytest.mark.parametrize("field", OF_ITS_HOST)
def test_no_field_of_its_host_is_another_than_a_runs_in_any_spelling(attacker: Attacker, field: str) -> None:
    for body in bodies(("HostConfig",), field, OF_ITS_HOST[field]):
        attacker.assert_refused(body)
    # Old versions of the API, and careless readers, take them from the top.
    attacker.assert_refused(json.dumps({**ASKED, field: OF_ITS_HOST[field]}))


@pytest.mark.parametrize("field", OF_ITS_NETWORK)
def test_a_run_chooses_nothing_of_its_network_in_any_spelling(attacker: Attacker, field: str) -> None:
    value = OF_ITS_NETWORK[field]
    for body in bodies(("NetworkingConfig", NETWORK), field, value, {**ASKED, "NetworkingConfig": {NETWORK: {}}}):
        attacker.assert_refused(body)
    endpoint: dict[str, Any] = {"EndpointsConfig": {NETWORK: {}}}
    path = ("NetworkingConfig", "EndpointsConfig", NETWORK)
    for body in bodies(path, field, value, {**ASKED, "NetworkingConfig": endpoint}):
        attacker.assert_refused(body)
    for body in bodies(("NetworkingConfig",), "EndpointsConfig", {NETWORK: {field: value}}):
        attacker.assert_refused(body)


def test_a_run_is_on_no_second_network(attacker: Attacker) -> None:
    for name in ("host", "bridge", "none", "container:mysql", "docker", NETWORK.upper()):
        for body in bodies(("NetworkingConfig",), name, None):
            attacker.assert_refused(body)
        attacker.assert_refused(json.dumps({**ASKED, "HostConfig": {**HOST, "NetworkMode": name}}))


def test_the_labels_are_two(attacker: Attacker) -> None:
    for label in ("com.docker.compose.project", "Dagster/run_id", "dagster/Job_Name", ""):
        attacker.assert_refused(json.dumps({**ASKED, "Labels": {**LABELS, label: "x"}}))
    for wrong in ("", "4711", "a b", "\n", 'x"}', "a" * 5000, None, ["x"], {"x": "y"}):
        for label in LABELS:
            if (label, wrong) != ("dagster/job_name", "4711"):
                attacker.assert_refused(json.dumps({**ASKED, "Labels": {**LABELS, label: wrong}}))


def each(field: str, *values: Any) -> list[dict[str, Any]]:
    """A field with each of some values."""
    return [{field: value} for value in values]


@pytest.mark.parametrize(
    "wrong",
    [
        *each("Image", [IMAGE], {IMAGE: ""}, f"{IMAGE} ", IMAGE.upper(), f"{IMAGE}@sha256:1f", ""),
        *each("Cmd", " ".join(COMMAND), COMMAND[:3], [*COMMAND, "x"], [COMMAND], ["dagster"], []),
        *each("Env", {"COINGECKO_PLAN": "demo"}, "COINGECKO_PLAN=demo", [["COINGECKO_PLAN=demo"]]),
        *each(
            "Env", *([entry] for entry in ("PATH=/tmp", "=x", "coingecko_plan=demo", " COINGECKO_PLAN=demo", "", None))
        ),
        *each("Volumes", {"/srv/report": {"x": {}}}, {"/srv/report": []}, ["/srv/report"], "/srv"),
        *each("HostConfig", None, [], {}, "", [HOST], {"HostConfig": HOST}, [[], HOST]),
        *each("NetworkingConfig", [], [NETWORK], NETWORK, {NETWORK: []}, {NETWORK: {}}),
        *each("Labels", None, [], list(LABELS), [LABELS], ""),
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_field_of_another_kind_than_a_runs_is_refused(attacker: Attacker, wrong: dict[str, Any]) -> None:
    attacker.assert_refused(json.dumps({**ASKED, **wrong}))


@pytest.mark.parametrize(
    "wrong",
    [
        *each("AutoRemove", 0, "true", None, [True]),
        *each("ReadonlyRootfs", 0, "true", None, [True]),
        *each("Memory", 0, -1, True, "1073741824", 1e9, 2**33 + 1, 10**400, None, [2**30]),
        *each("NanoCpus", 0, -1, True, "2", 1e9, 10**18, None),
        *each("PidsLimit", 0, True, "256", 10**9, None),
        *each("CapDrop", "ALL", ["all"], [["ALL"]], ["ALL", "ALL"], ["NET_RAW"], None),
        *each("SecurityOpt", "no-new-privileges:true", ["no-new-privileges:false"], None),
        {"SecurityOpt": ["no-new-privileges:true", "apparmor=unconfined"]},
        *each("NetworkMode", [NETWORK], {NETWORK: None}, None, "", "default"),
        *each("Binds", [VOLUME, "/:/host"], [VOLUME, "x:/y"], [f"/{VOLUME}"], VOLUME, {VOLUME: ""}),
        *each(
            "Binds", *([bind] for bind in (f"{VOLUME}:ro", f"{VOLUME}:rw,z", f"{VOLUME}/..", "mysql:/srv/report", None))
        ),
        *each("Tmpfs", {"/tmp": "exec"}, {**HOST["Tmpfs"], "/x": ""}, ["/tmp"], {}, None),
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_field_of_its_host_of_another_kind_is_refused(attacker: Attacker, wrong: dict[str, Any]) -> None:
    attacker.assert_refused(json.dumps({**ASKED, "HostConfig": {**HOST, **wrong}}))


@pytest.mark.parametrize(
    "body",
    [
        *("", "null", "[]", "{}", "0", '"x"', "true", f"[{RUN}]", f"{RUN}{RUN}", f"{RUN},", f"{RUN}/*x*/", f"'{RUN}'"),
        *(RUN.encode("utf-16"), RUN.encode("utf-32"), b"\xef\xbb\xbf" + RUN.encode(), RUN.encode()[:-1], b"\xff\xfe"),
        *(RUN.replace("1073741824", number) for number in ("NaN", "Infinity", "9" * 5000, "0x40000000", "01", "1e400")),
        *("[" * 100_000, '{"HostConfig":' * 100_000, RUN + " " * 2_000_000),
    ],
    ids=lambda body: repr(body[:12]) + str(len(body)),
)
def test_a_body_that_is_not_one_object_of_json_in_utf_8_is_refused(attacker: Attacker, body: str | bytes) -> None:
    attacker.assert_refused(body)


@pytest.mark.parametrize("query", ["name=mysql", "name=", "Name=mysql", "platform=linux/arm64", "fromImage=x", "t=1"])
def test_a_question_beside_the_body_is_refused(attacker: Attacker, query: str) -> None:
    attacker.assert_refused(RUN, f"/v1.41/containers/create?{query}")


@pytest.mark.parametrize("seconds", ["-1", "x", "1.5", "", "1000", "9" * 5000])
def test_a_time_to_end_that_is_none_is_refused(attacker: Attacker, seconds: str) -> None:
    attacker.create(RUN)
    answer = attacker.call("POST", f"/v1.41/containers/{FIRST_RUN}/stop?t={seconds}&signal=SIGSTOP")
    assert answer.status_code == 400
    assert "a number of seconds up to 600" in answer.json()["message"]
    assert attacker.engine.told == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", f"/containers/{FIRST_RUN}/{act}") for act in ("update", "rename?name=mysql", "exec", "attach")),
        *(("POST", f"/containers/{FIRST_RUN}/{act}") for act in ("kill", "restart", "pause", "wait", "start/../exec")),
        *(("GET", f"/containers/{FIRST_RUN}/{part}") for part in ("logs", "top", "export", "archive?path=/", "stats")),
        ("PUT", f"/containers/{FIRST_RUN}/archive?path=/tmp"),
        ("DELETE", f"/containers/{FIRST_RUN}"),
        ("GET", "/containers/json"),
        ("POST", f"/networks/{NETWORK}/connect"),
        ("POST", "/volumes/create"),
        ("POST", "/build"),
        ("POST", "/images/create?fromImage=alpine"),
        ("POST", "/auth"),
        ("POST", "/session"),
        ("POST", "/grpc"),
        ("GET", "/events"),
        ("POST", "//containers/create"),
        ("POST", "/v1.41/v1.41/containers/create"),
        ("GET", "/containers/..%2F..%2Finfo/json"),
    ],
)
@pytest.mark.parametrize("version", ["", "/v1.41"])
def test_no_other_part_of_dockers_api_is_there(attacker: Attacker, method: str, path: str, version: str) -> None:
    attacker.create(RUN)
    answer = attacker.call(method, version + path, RUN)
    assert answer.status_code in (404, 405)
    assert attacker.engine.created == [CREATED]
    assert attacker.engine.told == []
