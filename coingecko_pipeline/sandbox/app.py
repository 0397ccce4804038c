"""The sandbox as a Starlette application."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from .endpoints import Endpoints, Market, unknown_path
from .errors import ApiError
from .gate import Gate, Ledger, error_response
from .options import SandboxOptions
from .plans import PLANS
from .recordings import RecordedMarket
from .synthetic import SyntheticMarket


def create_app(options: SandboxOptions) -> Starlette:
    """Build the application; its `state.ledger` remembers the calls.

    Args:
        options: What the sandbox is to be.

    Raises:
        SandboxError: The folder of recordings holds nothing that could be served.
    """
    market: Market = RecordedMarket(options.recordings) if options.recordings else SyntheticMarket(options)
    plan = PLANS[options.plan]
    limit = plan.calls_per_minute if options.calls_per_minute is None else options.calls_per_minute
    ledger = Ledger()
    app = Starlette(
        routes=Endpoints(market, plan, limit, ledger.credits).routes(),
        middleware=[Middleware(Gate, options=options, ledger=ledger)],
        exception_handlers={ApiError: _api_error, 404: unknown_path},
    )
    app.state.ledger = ledger
    return app


def _api_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    return error_response(error)
