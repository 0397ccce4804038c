"""A CoinGecko look-alike on the loopback interface, for tests, trials and benchmarks.

It serves what the pipeline asks of CoinGecko's API v3: a synthetic market that is a closed form of a seed, or
recorded answers. It enforces a plan's rate, keys and limits, and injects faults on demand. Every answer
carries the header `x-sandbox`, so nobody takes its figures for real ones.

It imports nothing of the rest of the package, so that neither can hide the other's mistakes.
"""

from .app import create_app
from .errors import SandboxError
from .gate import Call
from .options import SandboxOptions, rehypothecated_beside
from .plans import PLANS, Plan
from .server import RunningSandbox

__all__ = [
    "PLANS",
    "Call",
    "Plan",
    "RunningSandbox",
    "SandboxError",
    "SandboxOptions",
    "create_app",
    "rehypothecated_beside",
]
