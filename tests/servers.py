"""Real database servers for tests, from the Debian packages: started empty, on a free port."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

PASSWORD = "open sesame/%"
PACKAGES = {"postgresql": "postgresql", "mariadb": "mariadb-server"}
PROGRAMS = {"postgresql": "initdb", "mariadb": "mariadbd"}
WAIT_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A server that listens on this machine."""

    kind: str
    port: int

    def url(self, database: str, *, user: str = "lake", password: str = PASSWORD) -> str:
        """Address of a database, as DevLake writes its own."""
        scheme = {"postgresql": "postgresql", "mariadb": "mysql"}[self.kind]
        address = sa.URL.create(scheme, user, password, "127.0.0.1", self.port, database)
        return address.render_as_string(hide_password=False)


def program(kind: str) -> Path:
    """Where a server's program is; installed first where root may do so."""
    if not (found := _find(PROGRAMS[kind])) and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", PACKAGES[kind]]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # One worker at a time: apt-get has one lock for the machine, and does not wait for it.
        with (Path(tempfile.gettempdir()) / "flowgrain-apt.lock").open("w") as lock:
            flock(lock, LOCK_EX)
            for command in (["apt-get", "update", "-qq"], install):
                subprocess.run(command, env=environment, check=False, capture_output=True)
        found = _find(PROGRAMS[kind])
    if not found:
        pytest.skip(f"the Debian package {PACKAGES[kind]} is not installed")
    return found


def _find(name: str) -> Path | None:
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), Path("/usr/sbin"), Path("/usr/bin")]
    return next((place / name for place in places if (place / name).exists()), None)


def free_port() -> int:
    """A port that nothing listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Server]:
    """Run a server in a folder until the block ends."""
    found = program(kind)
    port = free_port()
    # Neither server runs as root.
    account = next(a for a in (PACKAGES[kind], "postgres", "mysql", "nobody") if _is_account(a))
    user = account if os.geteuid() == 0 else None
    data = folder / "data"
    data.mkdir()
    if user:
        shutil.chown(folder, user)
        shutil.chown(data, user)
        for parent in folder.parents:
            with suppress(PermissionError):
                parent.chmod(parent.stat().st_mode | 0o011)
    start = _postgresql if kind == "postgresql" else _mariadb
    with start(found, data, port, user):
        yield Server(kind, port)


def _is_account(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


@contextmanager
def _postgresql(initdb: Path, data: Path, port: int, user: str | None) -> Iterator[None]:
    secret = data.parent / "secret"
    secret.write_text(PASSWORD)
    shutil.chown(secret, user) if user else None
    make = [initdb, "-D", data, "-U", "lake", "--pwfile", secret, "-A", "scram-sha-256", "-N"]
    subprocess.run([*make, "-E", "UTF8"], user=user, cwd="/", check=True, capture_output=True)
    serve = [initdb.with_name("postgres"), "-D", data, "-p", str(port), "-k", data, "-F"]
    with _serving([*serve, "-h", "127.0.0.1", "-c", "timezone=UTC"], user, port):
        _wait_until_it_lets_in(port)
        yield


def _wait_until_it_lets_in(port: int) -> None:
    """PostgreSQL listens before it lets anybody in."""
    account = {"user": "lake", "password": PASSWORD, "dbname": "postgres"}
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            psycopg.connect(host="127.0.0.1", port=port, **account).close()
            break
        time.sleep(0.1)


@contextmanager
def _mariadb(mariadbd: Path, data: Path, port: int, user: str | None) -> Iterator[None]:
    make = [mariadbd.parents[1] / "bin" / "mariadb-install-db", "--no-defaults"]
    make += [f"--datadir={data}", "--auth-root-authentication-method=normal"]
    subprocess.run(make, user=user, cwd="/", check=True, capture_output=True)
    first = data / "first.sql"
    quoted = PASSWORD.replace("'", "''")
    first.write_text(
        f"create user lake@'%' identified by '{quoted}';\n"
        "grant all on *.* to lake@'%' with grant option;\n"
    )
    serve = [mariadbd, "--no-defaults", f"--datadir={data}", f"--port={port}"]
    serve += [f"--socket={data}/server.sock", "--bind-address=127.0.0.1", f"--init-file={first}"]
    # A server's own clock must not move what it holds.
    serve += ["--default-time-zone=+05:30", "--skip-name-resolve"]
    serve += ["--innodb-flush-log-at-trx-commit=0"]
    with _serving(serve, user, port):
        yield


@contextmanager
def _serving(command: list[object], user: str | None, port: int) -> Iterator[None]:
    log = subprocess.DEVNULL
    arguments = [str(part) for part in command]
    with subprocess.Popen(arguments, user=user, cwd="/", stdout=log, stderr=log) as server:
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            while server.poll() is None and time.monotonic() < deadline:
                with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
                    break
                time.sleep(0.1)
            yield
        finally:
            # PostgreSQL would wait for its clients to leave if it were asked more politely.
            server.send_signal(signal.SIGINT if "postgres" in arguments[0] else signal.SIGTERM)
            try:
                server.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
