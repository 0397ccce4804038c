"""Tests of the CoinPaprika client."""
