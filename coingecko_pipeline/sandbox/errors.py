"""What can go wrong, with the bodies that CoinGecko gives.

The shapes were captured or quoted by users between 2021 and 2025; they differ from error to error, which is
CoinGecko's doing and the reason to play them. A text that nobody has published says so in its function.
"""

from collections.abc import Mapping
from datetime import datetime

PRICING = "https://www.coingecko.com/en/api/pricing"
GUIDE = "Please refer here for more details: https://docs.coingecko.com/v3.0.1/reference/introduction"


class SandboxError(ValueError):
    """The sandbox was asked to be something that it cannot be; the text is one sentence for the operator."""


class ApiError(Exception):
    """An answer of the API that is not a 200.

    Attributes:
        status: The HTTP status.
        body: What becomes the JSON body.
        headers: Headers beyond the usual ones.
    """

    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def timestamp(moment: datetime) -> str:
    """A moment as error bodies write it: `2026-03-09T03:27:12.345+00:00`."""
    return moment.isoformat(timespec="milliseconds")


def reset_header(moment: datetime) -> str:
    """A moment as the header `x-ratelimit-reset` writes it: `2026-03-09 03:28:00 +0000`."""
    return moment.strftime("%Y-%m-%d %H:%M:%S +0000")


RATE_LIMIT_BODY = {
    "status": {
        "error_code": 429,
        "error_message": f"You've exceeded the Rate Limit. Please visit {PRICING} to subscribe to our API plans "
        "for higher rate limits.",
    }
}
SERVER_ERROR_BODY = {"status": 500, "error": "Internal Server Error"}


def rate_limited(reset: datetime) -> ApiError:
    """429: too many calls; the header tells when calls are answered again (a whole minute)."""
    return ApiError(429, RATE_LIMIT_BODY, {"x-ratelimit-reset": reset_header(reset)})


def missing_key(now: datetime) -> ApiError:
    """401 with 10002: the key is missing or wrong."""
    status = {"timestamp": timestamp(now), "error_code": 10002, "error_message": "API Key Missing"}
    return ApiError(401, {"status": status})


def demo_key_on_pro_host(now: datetime) -> ApiError:
    """400 with 10011: a demo key was sent to the paid host."""
    return _wrong_host(now, 10011, "Demo", "from pro-api.coingecko.com to api.coingecko.com")


def pro_key_on_demo_host(now: datetime) -> ApiError:
    """400 with 10010: a pro key was sent to the free host. The text is modelled on that of 10011."""
    return _wrong_host(now, 10010, "Pro", "from api.coingecko.com to pro-api.coingecko.com")


def _wrong_host(now: datetime, code: int, kind: str, change: str) -> ApiError:
    message = f"If you are using {kind} API key, please change your root URL {change} {GUIDE}"
    return ApiError(400, {"timestamp": timestamp(now), "error_code": code, "status": {"error_message": message}})


def paid_only() -> ApiError:
    """401 with 10005: the endpoint, or what is asked of it, is not in the plan."""
    message = f"This request is limited to PRO API subscribers. Please visit {PRICING}"
    return ApiError(401, {"status": {"error_code": 10005, "error_message": message}})


def too_far_back(now: datetime, days: int) -> ApiError:
    """401 with 10012: history beyond the plan's days. The recorded text is that of 365 days."""
    message = (
        f"Your request exceeds the allowed time range. Public API users are limited to querying historical "
        f"data within the past {days} days. Upgrade to a paid plan to enjoy full historical data access: {PRICING}. "
    )
    status = {"timestamp": timestamp(now), "error_code": 10012, "error_message": message}
    return ApiError(401, {"error": {"status": status}})


def coin_not_found() -> ApiError:
    """404: no such coin, or none any more."""
    return ApiError(404, {"error": "coin not found"})


def incorrect_path() -> ApiError:
    """404: no such endpoint (the text is as users report it)."""
    return ApiError(404, {"error": "Incorrect path. Please check https://www.coingecko.com/api/"})


def not_recorded(what: str) -> ApiError:
    """404: the recordings hold nothing of this kind by the sandbox's time. The sandbox's own text."""
    return ApiError(404, {"error": f"not recorded: {what}"})


def missing_parameter(name: str) -> ApiError:
    """422: a parameter that the endpoint needs is not there."""
    return ApiError(422, {"error": f"Missing parameter {name}"})


def invalid_parameter(name: str) -> ApiError:
    """422: a parameter cannot be read (the text is as users report it for `vs_currency`)."""
    return ApiError(422, {"error": f"invalid {name}"})
