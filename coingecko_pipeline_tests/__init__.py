"""Tests of coingecko_pipeline; the folders mirror the package."""
