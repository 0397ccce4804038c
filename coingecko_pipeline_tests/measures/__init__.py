"""Tests of the roll-ups and measures, against pandas on recorded charts."""
