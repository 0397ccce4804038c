"""Tests of the archive of answers."""
