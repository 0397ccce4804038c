"""Which passwords the deployment starts with."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from coingecko_pipeline.deployment.passwords import check_passwords
from coingecko_pipeline.settings import SettingsError
from coingecko_pipeline_tests.deployment.checkout import PROJECT

STRONG = {"MYSQL_ROOT_PASSWORD": "Vq3kT8wZr1Yp5Lx9", "MYSQL_READER_PASSWORD": "bN6hJ2sD7fG4mC0e"}


def refusal_of(password: str) -> str:
    with pytest.raises(SettingsError) as caught:
        check_passwords(
            {name: SecretStr(value) for name, value in {**STRONG, "MYSQL_PIPELINE_PASSWORD": password}.items()}
        )
    return str(caught.value)


def test_random_passwords_may_be_used() -> None:
    check_passwords({name: SecretStr(value) for name, value in STRONG.items()})


@pytest.mark.parametrize(
    "password",
    ["", "Vq3kT8w", "change-me-please", "MyPassword2026", "aaaaaaaaaaaaaaaa", "Vq3kT8wZr1Yp5L@9", "Vq3k T8wZr1Yp5Lx"],
)
def test_a_weak_password_is_refused_with_what_to_do_and_without_being_shown(password: str) -> None:
    refusal = refusal_of(password)
    assert refusal.startswith("MYSQL_PIPELINE_PASSWORD ")
    assert "make secrets" in refusal
    assert not password or password not in refusal


def test_two_accounts_with_one_password_are_refused() -> None:
    assert "the same as MYSQL_ROOT_PASSWORD" in refusal_of(STRONG["MYSQL_ROOT_PASSWORD"])


def make_secrets(folder: Path) -> dict[str, str]:
    """Run docker/make-secrets in a folder; what its .env says then."""
    subprocess.run(["sh", PROJECT / "docker" / "make-secrets"], cwd=folder, check=True, capture_output=True)
    lines = (folder / ".env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_make_secrets_makes_passwords_that_may_be_used_and_that_others_cannot_read(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_bytes((PROJECT / ".env.example").read_bytes())
    made = {name: SecretStr(value) for name, value in make_secrets(tmp_path).items() if name.endswith("_PASSWORD")}
    assert len(made) == 5
    check_passwords(made)
    assert stat.S_IMODE(os.stat(tmp_path / ".env").st_mode) == 0o600


def test_make_secrets_keeps_what_is_there_and_adds_the_rest(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"MYSQL_ROOT_PASSWORD={STRONG['MYSQL_ROOT_PASSWORD']}\nCOINGECKO_API_KEY=CG-mine")
    first = make_secrets(tmp_path)
    assert first["MYSQL_ROOT_PASSWORD"] == STRONG["MYSQL_ROOT_PASSWORD"]
    assert first["COINGECKO_API_KEY"] == "CG-mine"
    assert make_secrets(tmp_path) == first
