"""The proposals against the truth, on coins and contracts made from recorded ones."""

import pytest

from coingecko_pipeline.agreement.pairs import NO_CONTRACTS
from coingecko_pipeline_tests.agreement.labelled import KINDS, labelled_set, score

DATES = [("2024-01-15", 11), ("2025-09-12", 12), ("2026-02-03", 13)]
"""Lists whose names the other source uses, each with a number of its own."""


@pytest.mark.parametrize(("names_of", "salt"), DATES)
def test_no_pair_is_false_and_contracts_find_more_and_leave_fewer_to_a_person(names_of: str, salt: int) -> None:
    labelled = labelled_set(names_of, salt)
    assert len(labelled.pairs) >= 2_000
    assert len(labelled.look_alikes) >= 500
    assert set(labelled.kinds.values()) == set(KINDS) - {"absent"}
    by_name, by_contract = score(labelled, NO_CONTRACTS), score(labelled, labelled.evidence())
    assert by_contract.false == {}
    assert by_contract.recall > max(0.78, 1.9 * by_name.recall)
    assert by_contract.ambiguous < by_name.ambiguous / 5
    # Forged ones whose original is not listed fit by symbol, name and price, and only the contract tells.
    assert {labelled.kinds[other] for other in by_name.false} == {"forged"}


@pytest.mark.parametrize(("names_of", "salt"), DATES)
def test_the_chains_of_the_two_are_told_apart(names_of: str, salt: int) -> None:
    platforms = labelled_set(names_of, salt).evidence().platforms
    assert len(platforms) > 50
    assert all(theirs == f"{own[:3]}-{own}-chain" for theirs, own in platforms.items())


def test_what_is_missed_is_what_no_contract_and_no_name_tells() -> None:
    labelled = labelled_set(*DATES[-1])
    missed = score(labelled, labelled.evidence()).missed
    told = sum(missed[kind] for kind in ("plain", "renamed", "another symbol", "on one chain", "beside a bridged one"))
    assert told < 0.03 * sum(kind in ("plain", "renamed", "another symbol") for kind in labelled.kinds.values())
