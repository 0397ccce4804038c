#!/usr/bin/env python3
"""Whether a service of the deployment is usable; exit code 0 or 1. It runs all the time, so it imports next to nothing.

healthy.py webserver    the webserver answers and has loaded the code location
healthy.py daemon       the daemon of this container has told Dagster's storage lately that it lives
"""

import json
import os
import sys
import time

TIMEOUT_SECONDS = 5
HEARTBEAT_SECONDS = 120
"""Dagster's daemon writes one each 30 seconds."""
QUERY = "{workspaceOrError{... on Workspace{locationEntries{loadStatus locationOrLoadError{__typename}}}}}"


def webserver_has_loaded() -> bool:
    """Whether the webserver has loaded every code location without an error."""
    import urllib.request

    request = urllib.request.Request(
        "http://127.0.0.1:3000/graphql",
        json.dumps({"query": QUERY}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - our own address
        entries = json.load(response)["data"]["workspaceOrError"].get("locationEntries", [])
    loaded = [
        entry["loadStatus"] == "LOADED"
        and (entry["locationOrLoadError"] or {}).get("__typename") == "RepositoryLocation"
        for entry in entries
    ]
    return bool(loaded) and all(loaded)


def daemon_lives() -> bool:
    """Whether a heartbeat came lately, and since this container's first process began: that of before left its own."""
    import pymysql

    with (
        pymysql.connect(
            host=os.environ["DATABASE_HOST"],
            port=int(os.environ["DATABASE_PORT"]),
            user="dagster",
            password=os.environ["MYSQL_DAGSTER_PASSWORD"],
            database="dagster",
            connect_timeout=TIMEOUT_SECONDS,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT UNIX_TIMESTAMP(CONVERT_TZ(MAX(timestamp), '+00:00', @@session.time_zone)) FROM daemon_heartbeats"
        )
        beat = float((cursor.fetchone() or [None])[0] or 0)
    return beat > max(time.time() - HEARTBEAT_SECONDS, os.stat("/proc/1").st_mtime)


def main() -> int:
    """Look once."""
    looks = {"webserver": webserver_has_loaded, "daemon": daemon_lives}
    try:
        return 0 if looks[sys.argv[1]]() else 1
    except Exception as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
