"""The options of a URL as providers hand them out, and passwords of any kind."""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coingecko_pipeline.warehouse import Database, DatabaseUrlError
from coingecko_pipeline.warehouse.connect_options import connect_options
from coingecko_pipeline.warehouse.engines import mysql_arguments
from coingecko_pipeline.warehouse.urls import parse_database_url

BASE = "mysql+pymysql://user:hush@host/name"


def options_of(query: str) -> dict[str, Any]:
    return connect_options(parse_database_url(f"{BASE}?{query}"))


@pytest.mark.parametrize(
    "query",
    [
        "ssl-mode=REQUIRED",
        "ssl_mode=required",
        "sslmode=require",
        "sslMode=REQUIRED",
        "ssl=true",
        "useSSL=true",
        "tls=1",
    ],
)
def test_tls_without_a_known_authority_is_asked_for_in_many_words(query: str) -> None:
    context = options_of(query)["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize(
    ("query", "checks_host"),
    [
        ("ssl-mode=VERIFY_CA", False),
        ("sslmode=verify-full", True),
        ("ssl-mode=VERIFY_IDENTITY", True),
        ("ssl_verify_identity=true", True),
        ("ssl-mode=VERIFY_IDENTITY&ssl_check_hostname=false", False),
    ],
)
def test_the_server_is_verified_where_that_is_asked_for(query: str, checks_host: bool) -> None:
    context = options_of(query)["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, checks_host)


@pytest.mark.parametrize("query", ["ssl-mode=DISABLED", "sslmode=disable", "ssl=false", "useSSL=false"])
def test_tls_can_be_switched_off(query: str) -> None:
    assert options_of(query) == {"ssl_disabled": True}


def test_what_a_session_has_anyway_may_be_asked_for() -> None:
    assert options_of("charset=utf8mb4&ssl-mode=PREFERRED&connect_timeout=5&unix_socket=/run/my.sock") == {
        "connect_timeout": 5,
        "unix_socket": "/run/my.sock",
    }


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("serverTimezone=UTC", "the option 'serverTimezone', which means nothing here"),
        ("ssl-mode=hush", "the option 'ssl-mode' of the database URL has a value that means nothing"),
        ('ssl={"rejectUnauthorized":true}', "write ssl-mode=REQUIRED"),
        ("connect_timeout=soon", "'connect_timeout' of the database URL must be a whole number"),
        ("connect_timeout=0", "above 0"),
        ("connect_timeout=" + "9" * 5000, "above 0"),
        ("ssl_ca=/no/such.pem", r"cannot be read ('/no/such.pem': No such file or directory)"),
        ("ssl_cert=/no/such.pem&ssl_key=/no/key.pem", "cannot be read"),
    ],
)
def test_an_option_that_means_nothing_is_one_sentence(query: str, told: str) -> None:
    with pytest.raises(DatabaseUrlError) as refused:
        Database(f"{BASE}?{query}")
    assert told in str(refused.value)
    assert "hush" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_certificate_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(DatabaseUrlError, match="check the paths and that they are PEM files"):
        options_of(f"ssl_ca={file}")


PARTS = st.text(st.sampled_from("@:/?#%&=[]\\ é€x"), max_size=4)


@given(PARTS, PARTS, PARTS)
@pytest.mark.parametrize("place", ["host/name", "host:3306/name?ssl-mode=REQUIRED", "[::1]/name", "host"])
def test_of_a_password_that_is_not_quoted_no_part_is_ever_told(place: str, before: str, amid: str, after: str) -> None:
    secret = f"{before}hush{amid}quiet{after}"
    try:
        url = parse_database_url(f"mysql+pymysql://user:{secret}@{place}")
    except DatabaseUrlError as refused:
        told = str(refused)
    else:
        told = Database(url.render_as_string(hide_password=False)).masked_url
    assert "hush" not in told
    assert "quiet" not in told


@given(st.text(min_size=1))
def test_any_password_that_is_quoted_reaches_the_driver_as_utf_8(password: str) -> None:
    database = Database(f"mysql+pymysql://user:{quote(password.encode(), safe='')}@host/name")
    assert database.url.password == password
    assert mysql_arguments(database.url, local_infile=False, read_timeout=None)["password"] == password.encode()
