"""Tests of `coingecko_pipeline.sources`."""
