"""Every coin that CoinGecko lists, its price, volume and market cap for every day, in your own MySQL."""

from importlib.metadata import version

__version__ = version("coingecko-pipeline")
