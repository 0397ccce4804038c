"""Tests of the daily market made of what was received."""
