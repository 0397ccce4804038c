"""The deployment in containers."""
