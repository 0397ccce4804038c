"""The examples of docs/other-schedulers.md, each with the tool or the schema of the scheduler that it is for."""

import ast
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import botocore.session
import click
import dagster as dg
import kubernetes_validate
import pytest
import yaml
from botocore.validate import ParamValidator

from coingecko_pipeline import __version__
from coingecko_pipeline.cli import cli
from coingecko_pipeline.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "other-schedulers.md"
TEXT = PAGE.read_text(encoding="utf-8")
IMAGE = f"coingecko-pipeline:{__version__}"
USER = 10001
WRONG_USE = 2
ONE_SHOTS = {"daily", "complete"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


CRON_LINES = [line for line in blocks("crontab")[0].splitlines() if re.match(r"[\d*]", line)]
MANIFESTS = [document for block in blocks("yaml") for document in yaml.safe_load_all(block)]
TASK, STATE_MACHINE, SCHEDULE = (json.loads(block) for block in blocks("json"))
(DAG,) = blocks("python")


def assert_command(arguments: Sequence[str]) -> str:
    """The command's name, once the command line has taken the arguments."""
    name, *rest = arguments
    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, click.Command)
    command.make_context(name, list(rest))
    return name


def assert_cron(expression: str) -> None:
    assert dg.ScheduleDefinition(job_name="any", cron_schedule=expression, execution_timezone="UTC")


def assert_aws(service: str, operation: str, parameters: dict[str, Any]) -> None:
    """The parameters are what the service's model asks for, and it knows each of them."""
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    report = ParamValidator().validate(parameters, model.input_shape)
    assert not report.has_errors(), report.generate_report()


def seconds_of(limit: str) -> int:
    return int(limit[:-1]) * {"m": 60, "h": 3_600}[limit[-1]]


@pytest.mark.parametrize("line", CRON_LINES)
def test_a_crontab_line_has_a_time_a_lock_a_limit_and_a_command(line: str) -> None:
    *fields, command = line.split(maxsplit=5)
    assert_cron(" ".join(fields))
    assert "%" not in command
    subprocess.run(["/bin/sh", "-n", "-c", command], check=True)
    words = shlex.split(command)
    assert words[:2] == ["flock", "--nonblock"]
    assert words[3] == "timeout"
    assert seconds_of(words[4]) < 24 * 3_600
    assert words[words.index("--memory") + 1] == "512m"
    assert_command(words[words.index(IMAGE) + 1 :])


def test_the_crontab_runs_both_in_utc_each_with_a_lock_of_its_own() -> None:
    assert blocks("crontab")[0].startswith("CRON_TZ=UTC\n")
    assert {line.split()[-1] for line in CRON_LINES} == ONE_SHOTS
    assert len({shlex.split(line)[7] for line in CRON_LINES}) == 2


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest["metadata"]["name"])
def test_a_manifest_fits_the_schema_of_kubernetes_and_nothing_in_it_is_unknown(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(
            {**manifest, "spec": {**manifest["spec"], "timezone": "UTC"}},
            kubernetes_validate.latest_version(),
            strict=True,
        )


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest["metadata"]["name"])
def test_a_pod_is_bounded_unprivileged_and_not_tried_again_after_wrong_use(manifest: dict[str, Any]) -> None:
    job = manifest["spec"].get("jobTemplate", manifest)["spec"]
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    (rule,) = job["podFailurePolicy"]["rules"]
    assert (rule["action"], rule["onExitCodes"]["values"]) == ("FailJob", [WRONG_USE])
    assert rule["onExitCodes"]["containerName"] == container["name"]
    # Kubernetes takes a failure policy with this restart policy only.
    assert pod["restartPolicy"] == "Never"
    assert job["activeDeadlineSeconds"] < 24 * 3_600
    assert pod["securityContext"]["runAsUser"] == USER
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp", "/var/lib/coingecko-pipeline"}
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert container["image"] == IMAGE
    assert_command(container["args"])


def test_the_cron_job_is_in_utc_and_never_runs_twice_at_a_time() -> None:
    (spec,) = (manifest["spec"] for manifest in MANIFESTS if manifest["kind"] == "CronJob")
    assert_cron(spec["schedule"])
    assert (spec["timeZone"], spec["concurrencyPolicy"]) == ("Etc/UTC", "Forbid")


def test_the_arguments_that_the_text_names_for_a_manifest_are_a_command() -> None:
    found = [yaml.safe_load(arguments) for arguments in re.findall(r"`args: (\[.*?\])`", TEXT.replace("\n", " "))]
    assert [assert_command(arguments) for arguments in found] == ["complete", "backfill"]


def test_the_task_definition_is_what_ecs_takes_and_its_secrets_are_references() -> None:
    assert_aws("ecs", "RegisterTaskDefinition", TASK)
    (container,) = TASK["containerDefinitions"]
    assert container["image"].endswith(f"/{IMAGE}")
    assert container["user"] == str(USER)
    assert int(TASK["memory"]) == 512
    names = {secret["name"] for secret in container["secrets"]} | {pair["name"] for pair in container["environment"]}
    assert names <= {name.upper() for name in Settings.model_fields}
    assert all(secret["valueFrom"].startswith("arn:aws:secretsmanager:") for secret in container["secrets"])
    assert_command(container["command"])


def test_an_unknown_field_of_a_task_definition_would_be_noticed() -> None:
    with pytest.raises(AssertionError, match="timeZone"):
        assert_aws("ecs", "RegisterTaskDefinition", {**TASK, "timeZone": "UTC"})


def test_the_state_machine_is_what_step_functions_takes_and_its_task_is_what_ecs_takes() -> None:
    role = "arn:aws:iam::123456789012:role/any"
    machine = {"name": "coingecko-pipeline", "definition": json.dumps(STATE_MACHINE), "roleArn": role}
    assert_aws("stepfunctions", "CreateStateMachine", machine)
    arguments = first_letters_small(STATE_MACHINE["States"]["Run"]["Arguments"])
    (container,) = arguments["overrides"]["containerOverrides"]
    assert container["name"] == TASK["containerDefinitions"][0]["name"]
    assert arguments["taskDefinition"] == TASK["family"]
    container["command"] = ["daily"]
    assert_aws("ecs", "RunTask", arguments)


def first_letters_small(value: Any) -> Any:
    """Step Functions writes the names of the other services' parameters with a capital."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: first_letters_small(inner) for name, inner in value.items()}
    return [first_letters_small(inner) for inner in value] if isinstance(value, list) else value


def test_every_state_is_reached_and_every_way_ends() -> None:
    states = STATE_MACHINE["States"]
    ways = {name: set(targets_of(state)) for name, state in states.items()}
    assert set().union(*ways.values()) | {STATE_MACHINE["StartAt"]} == set(states)
    assert [name for name, to in ways.items() if not to] == ["Failed"]
    assert states["Run"]["End"]


def targets_of(state: dict[str, Any]) -> Iterator[str]:
    for holder in (state, *state.get("Catch", ()), *state.get("Choices", ())):
        yield from (holder[key] for key in ("Next", "Default") if key in holder)


@pytest.mark.skipif(not shutil.which("asl-validator"), reason="npm install --global asl-validator brings it")
def test_the_validator_of_the_states_language_takes_the_state_machine() -> None:
    said = subprocess.run(
        ["asl-validator", "--json-definition", json.dumps(STATE_MACHINE)], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr


def test_the_schedule_is_what_eventbridge_takes_and_gives_the_state_machine_what_it_reads() -> None:
    assert_aws("scheduler", "CreateSchedule", SCHEDULE)
    assert SCHEDULE["ScheduleExpressionTimezone"] == "UTC"
    given = [json.loads(SCHEDULE["Target"]["Input"])]
    given += [json.loads(found) for found in re.findall(r"`(\{\"command\".*?\})`", TEXT)]
    assert {assert_command(each["command"]) for each in given} == ONE_SHOTS
    reads = set(re.findall(r"\$states\.input\.(\w+)", json.dumps(STATE_MACHINE)))
    for each in given:
        assert set(each) == reads
        # Two tries and the wait between them end before the next day's begin.
        assert 2 * each["seconds"] + STATE_MACHINE["States"]["Wait"]["Seconds"] < 24 * 3_600
    for expression in re.findall(r"cron\((.*?)\)", TEXT):
        *fields, year = expression.split()
        assert year == "*"
        assert_cron(" ".join(fields).replace("?", "*"))


def test_the_airflow_file_parses_and_its_schedules_and_commands_are_known() -> None:
    tree = ast.parse(DAG)
    (table,) = (node.iter for node in ast.walk(tree) if isinstance(node, ast.For))
    assert isinstance(table, ast.Tuple)
    rows = [row for row in table.elts if isinstance(row, ast.Tuple)]
    found = {ast.literal_eval(row.elts[0]): ast.literal_eval(row.elts[1]) for row in rows}
    for command, schedule in found.items():
        assert_command([command])
        assert_cron(schedule)
    assert set(found) == ONE_SHOTS
    given = {
        word.arg: ast.literal_eval(word.value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for word in call.keywords
        if isinstance(word.value, ast.Constant | ast.Dict)
    }
    assert (given["image"], given["user"], given["max_active_runs"]) == (IMAGE, str(USER), 1)
    assert set(given["environment"]) <= {name.upper() for name in Settings.model_fields}
    assert all(re.fullmatch(r"\{\{ conn\.\w+\.password \}\}", value) for value in given["environment"].values())
    assert f"'StatusCode': {WRONG_USE}" in DAG


def test_every_image_has_the_tag_of_this_version_and_the_migration_its_name() -> None:
    (name,) = (manifest["metadata"]["name"] for manifest in MANIFESTS if manifest["kind"] == "Job")
    assert name.endswith(__version__.replace(".", "-"))
    assert set(re.findall(r"coingecko-pipeline:(\d[\w.]*)", TEXT)) == {__version__}
