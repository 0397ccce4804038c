"""The daily market made of what was received. Knows no Dagster."""
