"""Tests of coingecko_pipeline.analysis."""
