"""Where a lake can be."""

import sys
from pathlib import Path

import pytest

from coingecko_pipeline.lake import AddressRefused, ExtraMissing, checked_address
from coingecko_pipeline.lake.errors import assert_extra


def test_a_path_is_made_an_address_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert checked_address("data/lake") == f"file://{tmp_path}/data/lake"
    assert checked_address(f"{tmp_path}/a lake/") == f"file://{tmp_path}/a lake"
    assert checked_address("s3://bucket/some/folder/") == "s3://bucket/some/folder"
    assert checked_address("abfs://container@account/lake") == "abfs://container@account/lake"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sftp://me:secret@host/lake", "LAKE_URI holds a password"),
        ("s3://bucket/lake?endpoint=x", r"has no \?, # or %"),
        ("data/50%", r"has no \?, # or %"),
        ("s3://", "names no folder"),
        ("file:///", "names no folder"),
    ],
)
def test_what_no_lake_can_be_at_is_refused_and_no_password_is_shown(address: str, said: str) -> None:
    with pytest.raises(AddressRefused, match=said) as refused:
        checked_address(address)
    assert "secret" not in str(refused.value)


def test_a_missing_extra_is_told_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_extra()
    monkeypatch.setitem(sys.modules, "pyiceberg", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'coingecko-pipeline\[lake\]'"):
        assert_extra()
