"""A source's list of coins: what its entries say, whether it is believed, and what it changes. No Dagster."""
