import pytest
from sqlalchemy import Column, Enum, Integer, MetaData, String, Table, UniqueConstraint

from coingecko_pipeline.warehouse import DeclarationError, ExactText
from coingecko_pipeline.warehouse.asset_metadata import read_conditions, write_plan

UPSERT = {"write_mode": "upsert"}


@pytest.mark.parametrize("mode", ["upsert", "replace_table"])
@pytest.mark.parametrize("kind", [String(10), Enum("a", "A", native_enum=False)])
def test_a_text_key_that_is_not_compared_byte_for_byte_is_refused(mode: str, kind: String) -> None:
    table = Table("t", MetaData(), Column("k", kind, primary_key=True), Column("v", Integer))
    with pytest.raises(DeclarationError, match=r"key column t\.k .* declare it as ExactText"):
        write_plan({"write_mode": mode}, table)


def test_a_key_of_chosen_words_is_compared_byte_for_byte() -> None:
    table = Table("t", MetaData(), Column("k", Enum("a", "b"), primary_key=True), Column("v", Integer))
    assert write_plan(UPSERT, table).mode == "upsert"


@pytest.mark.parametrize("declare", ["constraint", "index"])
def test_an_upsert_into_a_table_with_a_second_unique_key_is_refused(declare: str) -> None:
    constraint = [UniqueConstraint("u")] if declare == "constraint" else []
    table = Table(
        "t",
        MetaData(),
        Column("k", ExactText(10), primary_key=True),
        Column("u", Integer, index=declare == "index", unique=declare == "index" or None),
        *constraint,
    )
    with pytest.raises(DeclarationError, match="unique key beside its primary one"):
        write_plan(UPSERT, table)
    assert write_plan({}, table).mode == "replace_table"


@pytest.mark.parametrize("where", [{"a": None}, {"a": ["x", None]}])
def test_asking_for_null_is_refused(where: dict[str, object]) -> None:
    with pytest.raises(DeclarationError, match="no row equals"):
        read_conditions({"where": where})
