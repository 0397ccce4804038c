import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.planning import AcquisitionError
from coingecko_pipeline.acquisition.universe import known_coins
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cookbook_market import fill


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("ETHE", r"the first is 'ETHE', which is the symbol of 'ethereum': a coin is chosen by its id"),
        ("two", r"the first is 'two', which is the symbol of 'pepe' and 'minnow': a coin is chosen by its id"),
        ("bitcoi", r"the first is 'bitcoi'; did you mean 'bitcoin'"),
        ("nothing-like-it", r"the first is 'nothing-like-it'\. The table assets has every id"),
    ],
)
def test_a_coin_that_was_never_listed_is_told_with_what_could_be_meant(
    database: Database, asked: str, told: str
) -> None:
    fill(database)
    with database.transaction() as connection:
        of_two = tables.assets.c.asset_id.in_(["minnow", "pepe"])
        connection.execute(tables.assets.update().where(of_two).values(symbol="TWO"))
    with pytest.raises(AcquisitionError, match=told):
        known_coins([asked], database)
