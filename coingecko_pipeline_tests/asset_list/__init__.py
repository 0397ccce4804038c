"""Tests of the list of coins."""
