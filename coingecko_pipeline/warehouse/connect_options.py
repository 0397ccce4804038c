"""The options after the ? of a MySQL URL, as providers and other programs write them, and what they mean to the driver.

TLS is asked for by `ssl-mode` and its synonyms in the words of MySQL's own client, and by the driver's `ssl_ca`,
`ssl_cert`, `ssl_key` and `ssl_check_hostname`.
"""

import ssl
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import URL

from coingecko_pipeline.warehouse.errors import DatabaseUrlError

MODES: Mapping[str, str] = {
    "disabled": "off",
    "disable": "off",
    "false": "off",
    "0": "off",
    "preferred": "if offered",
    "prefer": "if offered",
    "allow": "if offered",
    "required": "unverified",
    "require": "unverified",
    "true": "unverified",
    "1": "unverified",
    "skip-verify": "unverified",
    "verify-ca": "authority",
    "verify-identity": "identity",
    "verify-full": "identity",
}
"""What the value of `ssl-mode`, of PostgreSQL's `sslmode`, and of the flags of other drivers asks for."""

MODE_OPTIONS = frozenset({"sslmode", "ssl", "usessl", "tls", "requiressl"})
"""Options that hold a mode, in lower case and without - and _: ssl-mode, ssl_mode, sslMode, useSSL."""

CERTIFICATES: Mapping[str, str] = {
    "sslca": "ca",
    "sslrootcert": "ca",
    "sslcapath": "capath",
    "sslcert": "cert",
    "sslkey": "key",
    "sslkeypassword": "password",
    "sslcheckhostname": "check_hostname",
    "sslverifycert": "verify_cert",
    "sslverifyidentity": "verify_identity",
}
"""What holds a certificate or says how it is checked, named as the modes are."""

SECONDS = frozenset({"connect_timeout", "write_timeout"})
TEXTS = frozenset({"unix_socket", "bind_address", "program_name", "init_command"})
SETTLED = frozenset({"charset", "characterencoding", "useunicode", "localinfile", "readtimeout"})
"""What a session here has whatever the URL says, such as utf8mb4, and what many URLs ask for."""

_KNOWN = "ssl-mode, ssl_ca, ssl_cert, ssl_key, unix_socket, connect_timeout"


def connect_options(url: URL) -> dict[str, Any]:
    """What the options of a URL are to the driver.

    Args:
        url: of a MySQL or MariaDB database.

    Raises:
        DatabaseUrlError: one is not known or has no meaning, or a file of it cannot be read.
    """
    options: dict[str, Any] = {}
    mode, tls = "if offered", dict[str, str]()
    for name, given in url.query.items():
        value = given if isinstance(given, str) else given[-1]
        plain = name.lower().replace("-", "").replace("_", "")
        if plain in MODE_OPTIONS:
            mode = _mode(name, value)
        elif plain in CERTIFICATES:
            tls[CERTIFICATES[plain]] = value
        elif name in SECONDS:
            options[name] = _seconds(name, value)
        elif name in TEXTS:
            options[name] = value
        elif plain not in SETTLED:
            raise DatabaseUrlError(
                f"the database URL has the option {name!r}, which means nothing here (sessions are in UTC and "
                f"utf8mb4): leave it out. Of the options {_KNOWN} are understood"
            )
    mode = _with_certificates(mode, tls)
    if mode == "off":
        options["ssl_disabled"] = True
    elif mode != "if offered":
        options["ssl"] = _context(mode, tls)
    return options


def _mode(name: str, value: str) -> str:
    mode = MODES.get(value.lower().replace("_", "-"))
    if mode is None:
        raise DatabaseUrlError(
            f"the option {name!r} of the database URL has a value that means nothing: write ssl-mode=REQUIRED, "
            "VERIFY_CA, VERIFY_IDENTITY or DISABLED"
        )
    return mode


def _seconds(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or not int(value[:9]) > 0 or len(value) > 9:
        raise DatabaseUrlError(f"the option {name!r} of the database URL must be a whole number of seconds above 0")
    return int(value)


def _with_certificates(mode: str, tls: Mapping[str, str]) -> str:
    """The mode, where the driver's own options say more: with an authority's certificate, the server is verified."""
    if mode in ("if offered", "unverified") and ("ca" in tls or "capath" in tls):
        mode = "identity"
    elif mode == "if offered" and "cert" in tls:
        mode = "unverified"
    if mode == "if offered" and _is_true(tls.get("verify_cert")):
        mode = "authority"
    if _is_true(tls.get("verify_identity")):
        return "identity"
    off = tls.get("check_hostname") or tls.get("verify_identity")
    return "authority" if mode == "identity" and off is not None and not _is_true(off) else mode


def _is_true(value: str | None) -> bool:
    return value is not None and value.lower() in ("1", "true", "yes")


def _context(mode: str, tls: Mapping[str, str]) -> ssl.SSLContext:
    """How connections are encrypted and the server is verified.

    Raises:
        DatabaseUrlError: a certificate or key cannot be read.
    """
    named = ", ".join(repr(tls[name]) for name in ("ca", "capath", "cert", "key") if name in tls)
    try:
        context = ssl.create_default_context(cafile=tls.get("ca"), capath=tls.get("capath"))
        if "cert" in tls:
            # Asked for in the terminal otherwise, where a key has a password.
            context.load_cert_chain(tls["cert"], tls.get("key"), tls.get("password", ""))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise DatabaseUrlError(
            f"the certificates that the database URL names cannot be read ({named}: {why}): check the paths and that "
            "they are PEM files"
        ) from None
    # The certificates that MySQL makes for itself do not pass what Python 3.13 asks for beyond the standard.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = mode == "identity"
    context.verify_mode = ssl.CERT_NONE if mode == "unverified" else ssl.CERT_REQUIRED
    return context
