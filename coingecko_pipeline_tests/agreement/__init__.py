"""Tests of the pairs of coins and of the comparison of sources."""
