"""Tests of the planning and the archive."""
