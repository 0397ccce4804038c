"""Tests of `coingecko_pipeline.orchestration`."""
