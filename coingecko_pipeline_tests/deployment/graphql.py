"""The webserver's GraphQL, as the UI uses it: what is launched, and what became of it."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

REPOSITORY = {"repositoryLocationName": "coingecko_pipeline", "repositoryName": "__repository__"}
POLL_SECONDS = 1.0
TRIES = 10
ENDED = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}


class Webserver:
    """A webserver by its address.

    Args:
        url: For example http://127.0.0.1:3000.
    """

    def __init__(self, url: str) -> None:
        self._url = f"{url}/graphql"

    def ask(self, query: str, **variables: Any) -> Any:
        """The data that a query gives; fails where the answer has errors."""
        request = urllib.request.Request(
            self._url,
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        answer = self._answer(request)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def _answer(self, request: urllib.request.Request) -> Any:
        # Dagster's webserver finds out with an error of its own that a connection of before MySQL's restart is gone.
        for _ in range(TRIES - 1):
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    return json.load(response)
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise
                time.sleep(POLL_SECONDS)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def launch(
        self,
        job: str,
        assets: Sequence[str] = (),
        partition: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> str:
        """Launch a job for one partition, as *Materialize* does, with config by op; gives the run's id."""
        tags = [{"key": "dagster/partition", "value": partition}] if partition else []
        selector = {**REPOSITORY, "pipelineName": job, "assetSelection": [{"path": ["coingecko", a]} for a in assets]}
        data = self.ask(
            """mutation ($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
            __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }""",
            params={
                "selector": selector,
                "mode": "default",
                "executionMetadata": {"tags": tags},
                "runConfigData": {"ops": dict(config or {})},
            },
        )["launchPipelineExecution"]
        assert data["__typename"] == "LaunchRunSuccess", data
        return str(data["run"]["runId"])

    def backfill(self, asset: str, partitions: Sequence[str], config: Mapping[str, Any]) -> str:
        """Launch a backfill of an asset's partitions with run config; gives its id."""
        data = self.ask(
            """mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
            __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }""",
            params={
                "assetSelection": [{"path": ["coingecko", asset]}],
                "partitionNames": list(partitions),
                "runConfigData": {"ops": {f"coingecko__{asset}": {"config": dict(config)}}},
            },
        )["launchPartitionBackfill"]
        assert data["__typename"] == "LaunchBackfillSuccess", data
        return str(data["backfillId"])

    def run(self, run_id: str) -> dict[str, Any]:
        """A run: its status and its moments in seconds since 1970."""
        found: dict[str, Any] = self.ask(
            "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status creationTime startTime endTime } } }",
            id=run_id,
        )["runOrError"]
        return found

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the latest first: id, status, and tags by key."""
        found = self.ask("{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }")
        return [
            {**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}}
            for run in found["runsOrError"]["results"]
        ]

    def runs_of(self, backfill_id: str) -> dict[str, str]:
        """The status of each run of a backfill, by its id."""
        return {
            run["runId"]: run["status"] for run in self.runs() if run["tags"].get("dagster/backfill") == backfill_id
        }

    def wait_for_backfill(self, backfill_id: str, seconds: float) -> str:
        """How a backfill ended."""
        wait_until(f"the end of backfill {backfill_id}", lambda: self.backfill_status(backfill_id) in ENDED, seconds)
        return self.backfill_status(backfill_id)

    def backfill_status(self, backfill_id: str) -> str:
        """How a backfill stands."""
        found = self.ask(
            "query($id: String!) { partitionBackfillOrError(backfillId: $id) {... on PartitionBackfill {status}}}",
            id=backfill_id,
        )
        return str(found["partitionBackfillOrError"]["status"])

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """A run's events: type, message and moment in milliseconds since 1970."""
        found: list[dict[str, Any]] = self.ask(
            """query ($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
            __typename ... on MessageEvent { message timestamp eventType }
            ... on ErrorEvent { error { message causes { message } } } } } } }""",
            id=run_id,
        )["logsForRun"]["events"]
        return found

    def healthy_daemons(self) -> set[str]:
        """The types of the daemons that gave a sign of life."""
        query = "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy } } } }"
        found = self.ask(query)["instance"]["daemonHealth"]["allDaemonStatuses"]
        return {daemon["daemonType"] for daemon in found if daemon["healthy"]}

    def terminate(self, run_id: str) -> None:
        """Terminate a run, as the button does."""
        data = self.ask(
            "mutation ($id: String!) { terminateRun(runId: $id) { __typename ... on PythonError { message } "
            "... on TerminateRunFailure { message } } }",
            id=run_id,
        )["terminateRun"]
        assert data["__typename"] == "TerminateRunSuccess", data

    def automation(self) -> dict[str, str]:
        """Each schedule and sensor, and whether it is RUNNING or STOPPED."""
        found = self.ask(
            """query ($repository: RepositorySelector!) { repositoryOrError(repositorySelector: $repository) {
            ... on Repository { schedules { name scheduleState { status } } sensors { name sensorState { status } } }
            } }""",
            repository=REPOSITORY,
        )["repositoryOrError"]
        states = {each["name"]: each["scheduleState"]["status"] for each in found["schedules"]}
        return {**states, **{each["name"]: each["sensorState"]["status"] for each in found["sensors"]}}


def wait_until(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds; fails with what it was after so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:g} s"
        time.sleep(POLL_SECONDS)
