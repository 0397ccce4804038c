"""Alembic's environment and the versions.

A file in `versions/` states its DDL outright and is never edited once released.
"""
