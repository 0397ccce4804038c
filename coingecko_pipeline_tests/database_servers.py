"""Servers for the tests: where a MySQL or MariaDB comes from, and private ones that are started and ended here.

In this order: TEST_MYSQL_URL and TEST_MARIADB_URL; a server program on this machine, started privately in a temporary
folder; a container, where a Docker engine answers. Someone with only one of the two gets that one tested.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
from sqlalchemy.engine import URL, make_url

URL_VARIABLES = {"mysql": "TEST_MYSQL_URL", "mariadb": "TEST_MARIADB_URL"}
IMAGES = {"mysql": "mysql:9.7", "mariadb": "mariadb:11"}
PROGRAMS = ("mysqld", "mariadbd")
# Server programs are often outside of a user's PATH.
FOLDERS = (*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/usr/local/sbin", "/usr/libexec")
START_SECONDS = 60
PULL_SECONDS = 300
PLAIN_USERS = ("mysql", "nobody")


class NoServer(Exception):
    """There is no server of that kind; the message tells how to get one."""


@contextmanager
def server(kind: str) -> Iterator[URL]:
    """The URL of a running server, as a user who may create databases. One that was started here ends with the block.

    Raises:
        NoServer: with the ways to get one.
    """
    configured = os.environ.get(URL_VARIABLES[kind])
    if configured:
        yield make_url(configured).set(drivername="mysql+pymysql", database="")
        return
    program = find_program(kind)
    if program is not None:
        with _private_server(kind, program) as url:
            yield url
        return
    if _docker_answers():
        with _container(kind) as url:
            yield url
        return
    raise NoServer(
        f"no {kind} to test with: set {URL_VARIABLES[kind]} (mysql+pymysql://root@127.0.0.1:3306), "
        f"or install a server program ({', '.join(PROGRAMS)}), or start a Docker engine"
    )


def find_program(kind: str) -> Path | None:
    """The server program of that kind on this machine. Its name does not tell: Debian's mysqld can be MariaDB."""
    for name in PROGRAMS:
        found = shutil.which(name, path=os.pathsep.join(FOLDERS))
        if found and kind_of(_version_of(found)) == kind:
            return Path(found)
    return None


def kind_of(version: str) -> str:
    """`mysql` or `mariadb`, from what a server program says of its version."""
    return "mariadb" if "mariadb" in version.lower() else "mysql"


def _version_of(program: str) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=20).stdout


@contextmanager
def _private_server(kind: str, program: Path) -> Iterator[URL]:
    folder = Path(tempfile.mkdtemp(prefix=f"test-{kind}-"))
    data = folder / "data"
    data.mkdir()
    user = _hand_over(folder, data)
    try:
        _initialize(kind, program, data, user)
        port = _free_port()
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(str(program), "--no-defaults", *user, f"--datadir={data}", f"--port={port}"),
                    *("--bind-address=127.0.0.1", f"--socket={folder / 's'}", f"--pid-file={data / 'pid'}"),
                    *("--skip-log-bin", "--local-infile=ON", "--innodb-flush-log-at-trx-commit=0"),
                    *(["--mysqlx=OFF"] if kind == "mysql" else []),
                ],
                stdout=log,
                stderr=log,
            )
        try:
            url = URL.create("mysql+pymysql", "root", host="127.0.0.1", port=port)
            _wait_for(url, lambda: process.poll() is None, folder / "server.log")
            yield url
        finally:
            process.terminate()
            process.wait(START_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _hand_over(folder: Path, data: Path) -> list[str]:
    """Root has to run the server as another user, who must own its folders; anyone else is that user."""
    if os.geteuid() != 0:
        return []
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    owner = next(known[name] for name in PLAIN_USERS if name in known)
    for path in (folder, data):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    return [f"--user={owner.pw_name}"]


def _initialize(kind: str, program: Path, data: Path, user: list[str]) -> None:
    if kind == "mysql":
        command = [str(program), "--no-defaults", *user, f"--datadir={data}", "--initialize-insecure"]
    else:
        install = shutil.which("mariadb-install-db", path=os.pathsep.join(FOLDERS)) or "mariadb-install-db"
        command = [install, "--no-defaults", *user, f"--datadir={data}", "--skip-test-db"]
        command.append("--auth-root-authentication-method=normal")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=START_SECONDS)
    if done.returncode:
        raise NoServer(f"a private {kind} could not be set up with {program}: {done.stdout}{done.stderr}")


@contextmanager
def _container(kind: str) -> Iterator[URL]:
    started = subprocess.run(
        [
            *("docker", "run", "--detach", "--rm", "--publish", "127.0.0.1::3306"),
            *("--env", "MYSQL_ALLOW_EMPTY_PASSWORD=1", "--env", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1"),
            *(IMAGES[kind], "--local-infile=ON", "--skip-log-bin"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PULL_SECONDS,
    )
    if started.returncode:
        raise NoServer(
            f"no {kind} to test with: Docker could not start {IMAGES[kind]} ({started.stderr.strip()}); "
            f"set {URL_VARIABLES[kind]}, or install a server program"
        )
    container = started.stdout.strip()
    try:
        published = subprocess.run(
            ["docker", "port", container, "3306/tcp"], capture_output=True, text=True, check=True, timeout=20
        ).stdout
        port = int(published.splitlines()[0].rpartition(":")[2])
        url = URL.create("mysql+pymysql", "root", host="127.0.0.1", port=port)
        _wait_for(url, lambda: True, None)
        yield url
    finally:
        subprocess.run(["docker", "rm", "--force", container], capture_output=True, check=False, timeout=START_SECONDS)


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=15).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _wait_for(url: URL, alive: Callable[[], bool], log: Path | None) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            pymysql.connect(host=url.host, port=url.port or 3306, user="root").close()
        except pymysql.MySQLError as error:
            if time.monotonic() < deadline and alive():
                time.sleep(0.1)
                continue
            said = log.read_text(errors="replace")[-2000:] if log else ""
            raise NoServer(f"the private server at {url} did not start: {error}\n{said}") from error
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
