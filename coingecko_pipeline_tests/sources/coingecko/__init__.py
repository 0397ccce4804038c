"""Tests of the CoinGecko client."""
