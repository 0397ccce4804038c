"""What is special about a coin's figures."""

from enum import IntEnum


class Trait(IntEnum):
    """What is special about a coin's figures."""

    PLAIN = 0
    GAPS = 1  # some days are missing in its charts
    DEAD = 2  # no charts; the market page repeats its first price, with that day as last_updated
    NO_CAP = 3  # a market cap of 0, and no rank
    TINY = 4  # a price of about 1e-12
    UNKNOWN = 5  # no charts, and nulls on the market page
    NO_VOLUME = 6  # a volume of null
    PATCHY_CAP = 7  # a market cap that is null on some days
    RARE = 8  # the market page shows a new price once a day only, at 00:00 UTC

    # Planted on request; see `oddities`.
    SPIKES = 9  # a price that jumps and returns within three days
    DIPS = 10  # a price that falls and returns within three days
    CLIMBS = 11  # a price that rises a hundredfold in three weeks, and stays
    SOARS = 12  # a price that rises a hundredfold in ten days, and stays
    LAGS = 13  # the market page stands still for days
    MISCOUNTED = 14  # the market page tells another supply than the market cap was made of
    OVERTRADED = 15  # a volume above the market cap
