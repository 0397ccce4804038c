"""Answers that were paid for, kept as received. Knows no Dagster."""
