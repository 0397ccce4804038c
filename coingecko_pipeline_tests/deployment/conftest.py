"""A deployment for the tests that need one. They run where pytest is called with `-m containers`."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator

import pytest

from coingecko_pipeline_tests.deployment.stack import Stack


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine with compose; where it is missing its tests are skipped, and fail where CI is set."""
    ready = shutil.which("docker") is not None and all(
        subprocess.run(["docker", *words], capture_output=True, check=False).returncode == 0
        for words in (["info"], ["compose", "version"])
    )
    if not ready:
        missing = "these tests need a Docker engine with compose 2.20 or newer, and none answers"
        if os.environ.get("CI") or os.environ.get("REQUIRE_DOCKER"):
            pytest.fail(missing)
        pytest.skip(missing)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployment on a slow synthetic market, brought up from nothing as the README says; removed at the end."""
    request.getfixturevalue("engine")
    deployment = Stack(f"test-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("deployment"))
    try:
        deployment.call("make", "secrets")
        # An image of before this change would be used as it is.
        deployment.compose("build", "check")
        deployment.compose("up", "--detach", "--wait")
        yield deployment
    finally:
        deployment.remove()
