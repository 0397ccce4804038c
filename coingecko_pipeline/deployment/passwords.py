"""The passwords of the deployment's accounts: there, strong, and each its own, before anything is started."""

import re
from collections.abc import Mapping

from pydantic import SecretStr

from coingecko_pipeline.settings import SettingsError

SHORTEST = 12
# They stand in URLs and in YAML: these need no quoting in either.
ALLOWED = re.compile(r"[A-Za-z0-9._~-]+")
EXAMPLES = re.compile(r"(?i)change.?me|password|passwort|secret|example|12345|qwert|coingecko|letmein")
REMEDY = "Delete its line from .env and run `make secrets`, which makes a random one."


def check_passwords(passwords: Mapping[str, SecretStr]) -> None:
    """Do nothing where all passwords may be used.

    Args:
        passwords: By the name of their environment variable.

    Raises:
        SettingsError: One is empty, weak, an example, or the same as another one; none is shown.
    """
    names: dict[str, str] = {}
    for name, secret in passwords.items():
        password = secret.get_secret_value()
        if len(password) < SHORTEST:
            raise SettingsError(f"{name} is shorter than {SHORTEST} characters. {REMEDY}")
        if not ALLOWED.fullmatch(password):
            raise SettingsError(f"{name} holds other characters than letters, digits and . _ ~ -. {REMEDY}")
        if EXAMPLES.search(password) or len(set(password)) < SHORTEST // 2:
            raise SettingsError(f"{name} looks like an example and not like a password. {REMEDY}")
        if password in names:
            raise SettingsError(f"{name} is the same as {names[password]}: each account needs its own. {REMEDY}")
        names[password] = name
