"""Where two sources meet: which coin of one is which of the other, and how far their numbers agree. No Dagster."""
