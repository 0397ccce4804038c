"""The project's top folder, where the deployment's files are."""

from pathlib import Path

import coingecko_pipeline

PROJECT = Path(coingecko_pipeline.__file__).parents[1]
