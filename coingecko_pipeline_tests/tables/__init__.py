"""Tests of `coingecko_pipeline.tables`."""
