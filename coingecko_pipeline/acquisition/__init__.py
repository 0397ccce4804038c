"""What to fetch for a range of dates, at what price, and what was fetched before. Knows no Dagster."""
