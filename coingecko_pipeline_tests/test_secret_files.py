"""Files with secrets that others could read."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from coingecko_pipeline.cli.home_passwords import password_in
from coingecko_pipeline.cli.instance import project_file, use_home
from coingecko_pipeline.secret_files import ReadableByOthers, refuse_readable_by_others
from coingecko_pipeline.settings import SECRETS, SettingsError, load_alert_settings, load_settings
from coingecko_pipeline_tests.cli.programs import KEY, run_program

PROJECT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a mode says something on POSIX alone")

as_root = pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root gives files away")


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file of another user than root, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / ".env"
    path.touch()
    if os.getuid() == 0:
        os.chown(path, 12345, 12345)
    return path


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o640, 0o602, 0o660, 0o777])
@pytest.mark.parametrize(
    "line",
    [
        f"COINGECKO_API_KEY={KEY}",
        "alert_webhook_url=https://hooks.example/hush",
        "DATABASE_URL=mysql+pymysql://me:hush@host/db",
        "MYSQL_ROOT_PASSWORD=hush",
    ],
)
def test_a_secret_that_others_can_read_is_refused_with_what_to_do(env_file: Path, line: str, mode: int) -> None:
    env_file.write_text(f"COINGECKO_PLAN=demo\n{line}\n")
    env_file.chmod(mode)
    with pytest.raises(SettingsError, match=r"run chmod 600 \.env") as caught:
        load_alert_settings()
    assert line.partition("=")[0].upper() in str(caught.value)
    assert "hush" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_what_is_ones_own_is_read(env_file: Path) -> None:
    env_file.write_text(f"COINGECKO_API_KEY={KEY}\n")
    env_file.chmod(0o600)
    assert load_settings().plan.name == "demo"


@pytest.mark.parametrize("line", ["HOURLY_TOP=250", "DATABASE_URL=sqlite:///here.db", "COINGECKO_API_KEY=", ""])
def test_a_file_without_a_secret_may_be_read_by_all(env_file: Path, line: str) -> None:
    env_file.write_text(f"{line}\n")
    env_file.chmod(0o644)
    load_settings()


@as_root
@pytest.mark.parametrize(("mode", "refused"), [(0o440, False), (0o640, False), (0o660, True), (0o444, True)])
def test_a_group_may_read_what_is_roots(tmp_path: Path, mode: int, refused: bool) -> None:
    path = tmp_path / "secrets"
    path.touch()
    path.chmod(mode)
    if refused:
        with pytest.raises(ReadableByOthers, match=f"mode {mode:04o}"):
            refuse_readable_by_others(path, "a key")
    else:
        refuse_readable_by_others(path, "a key")


def test_the_program_ends_with_2_and_the_sentence(env_file: Path) -> None:
    env_file.write_text(f"COINGECKO_API_KEY={KEY}\n")
    env_file.chmod(0o644)
    ended = run_program(env_file.parent, "status")
    assert ended.returncode == 2
    assert ended.stderr.startswith("Settings: .env holds COINGECKO_API_KEY, and other users of this machine can read")
    assert KEY not in ended.stderr


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("storage: {mysql: {mysql_db: {password: hush}}}", "storage.mysql.mysql_db.password"),
        ("storage: {mysql: {mysql_url: 'mysql+pymysql://dagster:hush@host/dagster'}}", "storage.mysql.mysql_url"),
        ("storage: {mysql: {mysql_db: {password: {env: MYSQL_DAGSTER_PASSWORD}}}}", None),
        ("storage: {mysql: {mysql_url: {env: DAGSTER_DATABASE_URL}}}", None),
        ("", None),
    ],
)
def test_a_password_in_dagster_yaml_is_found(tmp_path: Path, text: str, place: str | None) -> None:
    path = tmp_path / "dagster.yaml"
    path.write_text(text)
    assert password_in(path) == place


@pytest.mark.parametrize("name", ["dagster.yaml", "docker/dagster-storage.yaml", "docker/dagster-runs.yaml"])
def test_the_projects_own_files_of_dagster_hold_no_password(name: str) -> None:
    path = PROJECT / name
    assert password_in(path) is None


def test_a_home_whose_password_others_can_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    path = tmp_path / "dagster.yaml"
    path.write_text("storage: {mysql: {mysql_db: {password: hush}}}")
    path.chmod(0o644)
    with pytest.raises(SettingsError, match=r"run chmod 600 .*dagster\.yaml") as caught:
        use_home()
    assert "hush" not in str(caught.value)
    path.chmod(0o600)
    assert use_home() == tmp_path
    shutil.copyfile(project_file("dagster.yaml"), path)
    path.chmod(0o644)
    assert use_home() == tmp_path


def test_a_deployment_does_not_start_on_a_file_that_others_can_read(env_file: Path) -> None:
    env_file.write_text("MYSQL_ROOT_PASSWORD=hush\n")
    env_file.chmod(0o644)
    ended = subprocess.run(["sh", str(PROJECT / "docker" / "up")], cwd=env_file.parent, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr == ".env holds passwords, and other users of this machine can read it: run chmod 600 .env.\n"


def test_make_secrets_closes_an_open_file_and_says_that_it_was_open(env_file: Path) -> None:
    env_file.write_text("COINGECKO_API_KEY=CG-mine\n")
    env_file.chmod(0o644)
    run = ["sh", str(PROJECT / "docker" / "make-secrets")]
    first = subprocess.run(run, cwd=env_file.parent, capture_output=True, text=True, check=True)
    assert "Other users of this machine could read .env" in first.stderr
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    again = subprocess.run(run, cwd=env_file.parent, capture_output=True, text=True, check=True)
    assert again.stderr == ""
