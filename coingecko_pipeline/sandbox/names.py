"""The coins that are written down: the giants, what stands for them, and those whose ids, symbols or names are odd.

The giants, and the largest of the coins that stand for them, carry their real ids and symbols, so that what a person
types works; their prices and supplies are round figures of the right magnitude. The odd ids, symbols and names are of
the kinds that real coin lists hold (counted over 60 lists of 2020 to 2026), and each odd coin has a trait, so that a
sandbox of 60 coins shows everything that one of 17,400 does.
"""

from typing import NamedTuple


class Giant(NamedTuple):
    """A large coin: its base price in USD, its supply, and how far it swings (1 is a factor of about 2)."""

    coin_id: str
    symbol: str
    name: str
    price_usd: float
    supply: float
    swing: float


class Rehypothecated(NamedTuple):
    """A coin that stands for a giant: whose price it follows, at how many of that, and its supply."""

    coin_id: str
    symbol: str
    name: str
    stands_for: str
    ratio: float
    supply: float


class Odd(NamedTuple):
    """A coin with an odd name, and what is special about its figures: the name of a `market.Trait`."""

    coin_id: str
    symbol: str
    name: str
    trait: str


GIANTS = (
    Giant("bitcoin", "btc", "Bitcoin", 70_000.0, 19_900_000.0, 0.5),
    Giant("ethereum", "eth", "Ethereum", 2_500.0, 120_500_000.0, 0.6),
    Giant("tether", "usdt", "Tether", 1.0, 1.4e11, 0.002),
    Giant("ripple", "xrp", "XRP", 1.1, 5.9e10, 0.6),
    Giant("binancecoin", "bnb", "BNB", 600.0, 1.4e8, 0.5),
    Giant("usd-coin", "usdc", "USDC", 1.0, 6.0e10, 0.002),
    Giant("solana", "sol", "Solana", 120.0, 5.3e8, 0.8),
    Giant("dogecoin", "doge", "Dogecoin", 0.15, 1.5e11, 0.9),
    Giant("tron", "trx", "TRON", 0.25, 9.5e10, 0.5),
    Giant("cardano", "ada", "Cardano", 0.5, 3.6e10, 0.8),
    Giant("hyperliquid", "hype", "Hyperliquid", 30.0, 3.3e8, 0.8),
    Giant("leo-token", "leo", "LEO Token", 9.0, 9.2e8, 0.4),
    Giant("chainlink", "link", "Chainlink", 14.0, 6.6e8, 0.8),
    Giant("stellar", "xlm", "Stellar", 0.25, 3.1e10, 0.8),
    Giant("bitcoin-cash", "bch", "Bitcoin Cash", 400.0, 1.99e7, 0.7),
    Giant("litecoin", "ltc", "Litecoin", 80.0, 7.6e7, 0.7),
    Giant("polkadot", "dot", "Polkadot", 4.0, 1.6e9, 0.9),
    Giant("shiba-inu", "shib", "Shiba Inu", 1.3e-5, 5.9e14, 1.0),
    Giant("dai", "dai", "Dai", 1.0, 5.3e9, 0.002),
    Giant("monero", "xmr", "Monero", 250.0, 1.84e7, 0.5),
)

REHYPOTHECATED = (
    Rehypothecated("staked-ether", "steth", "Lido Staked Ether", "ethereum", 1.0, 9.0e6),
    Rehypothecated("wrapped-bitcoin", "wbtc", "Wrapped Bitcoin", "bitcoin", 1.0, 129_000.0),
    Rehypothecated("weth", "weth", "WETH", "ethereum", 1.0, 2.4e6),
    Rehypothecated("wrapped-eeth", "weeth", "Wrapped eETH", "ethereum", 1.08, 2.1e6),
    Rehypothecated("coinbase-wrapped-btc", "cbbtc", "Coinbase Wrapped BTC", "bitcoin", 1.0, 70_000.0),
    Rehypothecated("usdt0", "usdt0", "USDT0", "tether", 1.0, 4.0e9),
)

_LONG_ID = "the-bridged-and-staked-and-wrapped-token-of-the-longest-name-that-is-now"

ODD = (
    Odd("1move token", "1mt", "1Move Token", "PLAIN"),
    Odd("dps-doubloon ", "dbl", "DPS Doubloon ", "GAPS"),
    Odd("boringdao-[old]", "bor", "BoringDAO [OLD]", "DEAD"),
    Odd("beluga.fi", "beluga", "Beluga.fi", "NO_CAP"),
    Odd("-3", "meow", "-3", "TINY"),
    Odd("4", "four", "4", "UNKNOWN"),
    Odd("69420", "69420", "69420", "NO_VOLUME"),
    Odd("inf", "inf", "inf", "PATCHY_CAP"),
    Odd("true", "true", "True", "PLAIN"),
    Odd("on", "on", "On", "RARE"),
    Odd("_", "gib", "༼ つ ◕_◕ ༽つ", "NO_CAP"),
    Odd(_LONG_ID, "a-symbol-of-fifty-characters-is-the-longest-of-all", "The longest id, with 72 characters", "PLAIN"),
    Odd("rocket-with-an-emoji", "🚀", "🚀🌕 To the Moon", "PLAIN"),
    Odd("without-a-symbol", "", "No Symbol", "PLAIN"),
    Odd("quoted-and-slashed", 'q"\\', 'The "Quoted" \\ Coin', "GAPS"),
    Odd("ends-in-a-hard-space", "nbsp", "Hard Space\u00a0", "PLAIN"),
    Odd("hides-a-zero-width-space", "zwsp", "Zero\u200bWidth", "DEAD"),
    Odd("wrapped-ether-of-someone", "weth", "Wrapped Ether", "PLAIN"),
    Odd("wrapped-ether-of-another", "weth", "Wrapped Ether", "PLAIN"),
    Odd("bitCNY", "円", "円コイン", "RARE"),
)

REHYPOTHECATED_WORDS = ("bridged", "liquid", "restaked", "staked", "wrapped")
FIRST_WORDS = (
    "amber", "astral", "baby", "based", "binary", "black", "blue", "bridged", "brave", "coral", "cosmic", "crypto",
    "dark", "degen", "digital", "double", "dusty", "electric", "eternal", "fair", "fast", "flat", "frozen", "giga",
    "golden", "grand", "green", "happy", "hyper", "iron", "jade", "kind", "laser", "lazy", "liquid", "little", "lucky",
    "lunar", "magic", "mega", "meta", "micro", "midnight", "mini", "neon", "nimble", "open", "orbit", "pale", "polar",
    "prime", "proud", "quiet", "rapid", "red", "royal", "rusty", "shadow", "silver", "smart", "solar", "staked",
    "super", "tidy", "true", "turbo", "ultra", "urban", "velvet", "virtual", "vivid", "wild", "wise", "wrapped",
)  # fmt: skip
SECOND_WORDS = (
    "ape", "bear", "beaver", "bird", "bull", "cake", "cat", "chain", "cloud", "coin", "crab", "credit", "dao", "dog",
    "dollar", "dragon", "eagle", "ether", "euro", "finance", "finch", "fish", "fox", "frog", "game", "garden", "gem",
    "goat", "gold", "guild", "hamster", "hare", "heron", "horse", "index", "inu", "kitty", "land", "lion", "llama",
    "lynx", "market", "moon", "moose", "mouse", "node", "orca", "otter", "owl", "panda", "penguin", "pig", "pixel",
    "planet", "pool", "protocol", "rabbit", "raven", "robot", "rocket", "seal", "shark", "sloth", "snail", "star",
    "swap", "swan", "tiger", "toad", "token", "turtle", "vault", "whale", "wolf", "world", "yield", "zebra",
)  # fmt: skip
