"""The embedded server with real processes: shared, stopped by the last, mended after kills."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest

from resources import postgres_server
from resources.passage import can_pass
from resources.postgres_server import embedded_server

CLIENT = """
import sys
from pathlib import Path
from resources.postgres_server import embedded_server
with embedded_server(Path(sys.argv[1])) as address:
    print(address, flush=True)
    sys.stdin.readline()
"""
CHECKOUT = Path(__file__).parents[2]
Client = subprocess.Popen[str]


@contextmanager
def open_folder() -> Iterator[Path]:
    """Not tmp_path: that is private to root, and the server of a root user runs as somebody else."""
    path = Path(tempfile.mkdtemp(dir="/tmp", prefix="dft-test-"))
    path.chmod(0o755)
    yield path
    kill_servers(path)
    shutil.rmtree(path)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder where no server ever was."""
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture
def home(shared_home: Path) -> Iterator[Path]:
    """A home whose server is stopped, perhaps after earlier tests: a first start takes longest."""
    yield shared_home
    kill_servers(shared_home)


@pytest.fixture
def enter() -> Iterator[Callable[[Path], Client]]:
    """Starts a process that uses the home until `leave` or a kill."""
    clients: list[Client] = []

    def start(home: Path) -> Client:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", CLIENT, str(home)]
        clients.append(subprocess.Popen(command, cwd=CHECKOUT, stdin=pipe, stdout=pipe, text=True))
        return clients[-1]

    yield start
    for client in clients:
        client.kill()
        client.communicate()


def address_of(client: Client) -> str:
    assert client.stdout is not None
    return client.stdout.readline().strip()


def leave(client: Client) -> None:
    client.communicate("\n", timeout=30)
    assert client.returncode == 0


def postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def servers(folder: Path) -> list[psutil.Process]:
    """Every process that works in a data directory below the folder."""
    found = psutil.process_iter(["name", "cwd"])
    return [p for p in found if p.info["name"] == "postgres" and str(folder) in (p.info["cwd"] or "")]


def kill_servers(folder: Path) -> None:
    for process in servers(folder):
        process.kill()


def is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def ask(address: str, query: LiteralString) -> object:
    """The first value of the query's first row."""
    with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def assert_stopped(home: Path) -> None:
    assert not (home / "postgres" / "postmaster.pid").exists()
    assert servers(home) == []


def test_processes_share_one_server_and_the_last_stops_it(
    home: Path, enter: Callable[[Path], Client]
) -> None:
    first, second = enter(home), enter(home)
    address = address_of(first)
    assert address_of(second) == address
    pid = postmaster(home)
    leave(second)
    assert postmaster(home) == pid
    assert ask(address, "SELECT current_database()") == "dft"
    leave(first)
    assert is_gone(pid)
    assert_stopped(home)


def test_four_simultaneous_first_starts(folder: Path, enter: Callable[[Path], Client]) -> None:
    clients = [enter(folder / "home") for _ in range(4)]
    addresses = {address_of(client) for client in clients}
    assert addresses == {f"postgresql://postgres@/dft?host={folder}/home/postgres&port=5432"}
    for client in clients:
        leave(client)
    assert_stopped(folder / "home")


def test_leaving_and_entering_at_the_same_time(home: Path) -> None:
    errors: list[Exception] = []

    def come_and_go() -> None:
        try:
            for _ in range(5):
                with embedded_server(home) as address:
                    assert ask(address, "SELECT 1") == 1
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=come_and_go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert_stopped(home)


def test_nested_uses_keep_the_server_until_the_outer_one_ends(home: Path) -> None:
    with embedded_server(home) as outer:
        with embedded_server(home) as inner:
            assert inner == outer
        assert ask(outer, "SELECT 1") == 1
    assert_stopped(home)


def test_an_error_inside_passes_through_and_stops_the_server(home: Path) -> None:
    with pytest.raises(ZeroDivisionError), embedded_server(home):
        raise ZeroDivisionError
    assert_stopped(home)


def test_a_killed_client_counts_as_having_left(home: Path, enter: Callable[[Path], Client]) -> None:
    client = enter(home)
    address_of(client)
    pid = postmaster(home)
    client.kill()
    client.wait()
    assert not is_gone(pid)
    with embedded_server(home):
        assert postmaster(home) == pid
    assert is_gone(pid)
    assert_stopped(home)


def test_a_client_killed_while_it_starts_the_server(folder: Path, enter: Callable[[Path], Client]) -> None:
    for delay in (0.2, 0.4, 0.6, 0.8):
        client = enter(folder)
        time.sleep(delay)
        client.kill()
        client.wait()
    with embedded_server(folder) as address:
        assert ask(address, "SELECT 1") == 1
    assert_stopped(folder)
    assert not list(folder.glob("postgres.init-*"))


def test_a_killed_server_is_replaced_and_keeps_what_was_committed(
    home: Path, enter: Callable[[Path], Client]
) -> None:
    client = enter(home)
    address = address_of(client)
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS x")
    pid = postmaster(home)
    os.kill(pid, signal.SIGKILL)
    with embedded_server(home) as again:
        assert again == address
        assert postmaster(home) != pid
        assert ask(again, "SELECT x FROM kept") == 7
    assert postmaster(home) != pid, "the first client still uses the home"
    leave(client)
    assert_stopped(home)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")
def test_a_killed_server_that_nobody_collected_is_not_taken_for_alive(home: Path) -> None:
    adopting = "import ctypes\nctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER\n" + CLIENT
    command = [sys.executable, "-c", adopting, str(home)]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        address_of(client)
        killed = psutil.Process(postmaster(home))
        killed.kill()
        with embedded_server(home) as address:
            assert killed.status() == psutil.STATUS_ZOMBIE
            assert ask(address, "SELECT 1") == 1
        leave(client)
    assert_stopped(home)


def test_orphans_of_a_killed_server_are_ended(home: Path) -> None:
    with embedded_server(home) as address:
        busy = psycopg.connect(address)
        backend = psutil.Process(busy.info.backend_pid)
        backend.suspend()  # so that it cannot notice that its postmaster died
        os.kill(postmaster(home), signal.SIGKILL)
        with embedded_server(home) as again:
            assert is_gone(backend.pid)
            assert ask(again, "SELECT 1") == 1
        busy.close()
    assert_stopped(home)


@pytest.mark.parametrize("content", ["foreign", "dead", "empty", "garbage"])
def test_a_stale_pid_file_is_not_believed(home: Path, content: str) -> None:
    with embedded_server(home):
        file = home / "postgres" / "postmaster.pid"
        lines = file.read_text().splitlines(keepends=True)
    pid = os.getpid() if content == "foreign" else 4194304
    stale = {"empty": "", "garbage": "\x00?\n"}.get(content, "".join([f"{pid}\n", *lines[1:]]))
    file.write_text(stale)
    (home / "postgres" / ".s.PGSQL.5432.lock").write_text(stale)
    with embedded_server(home) as address:
        assert ask(address, "SELECT 1") == 1
    assert_stopped(home)


def test_a_stale_pid_file_at_the_end_harms_nobody(home: Path) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    with embedded_server(home):
        file = home / "postgres" / "postmaster.pid"
        file.write_text(file.read_text().replace(str(postmaster(home)), str(bystander.pid), 1))
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert_stopped(home)


@pytest.mark.parametrize("name", ["x" * 120, "a folder", "käse,\"100%\" 'q'"])
def test_folders_that_no_socket_or_address_could_name(folder: Path, name: str) -> None:
    home = folder / name
    with embedded_server(home) as address:
        sockets = Path(address.split("host=")[1].split("&")[0])
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert ask(address, "SELECT 1") == 1
    assert_stopped(home)
    assert not sockets.exists()


def test_a_data_directory_behind_a_link(folder: Path) -> None:
    (folder / "disk").mkdir()
    (folder / "home").mkdir()
    (folder / "home" / "postgres").symlink_to(folder / "disk" / "data")
    with embedded_server(folder / "home") as outer, embedded_server(folder / "home") as inner:
        assert inner == outer
        assert str(folder / "disk" / "data") in inner
    assert servers(folder) == []


def test_the_clients_own_postgres_settings_do_not_matter(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATABASE", "elsewhere")
    with embedded_server(home) as address:
        assert ask(address, "SELECT current_database()") == "dft"


def test_a_silent_server_is_replaced_when_nobody_else_uses_it(
    home: Path, enter: Callable[[Path], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_server, "_ANSWER_S", 1)
    monkeypatch.setattr(postgres_server, "_CONNECT_S", 2)
    client = enter(home)
    address_of(client)
    pid = postmaster(home)
    psutil.Process(pid).suspend()
    with pytest.raises(RuntimeError, match=r"does not answer(.|\n)*postgres/log"), embedded_server(home):
        pass
    assert not is_gone(pid), "the client still uses it"
    client.kill()
    client.wait()
    with embedded_server(home) as address:
        assert is_gone(pid)
        assert ask(address, "SELECT 1") == 1
    assert_stopped(home)


def test_a_server_that_cannot_start_names_its_log(folder: Path) -> None:
    with embedded_server(folder):
        pass
    with (folder / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(RuntimeError, match="postgres/log"), embedded_server(folder):
        pass
    assert "no_such_setting" in (folder / "postgres" / "log").read_text()
    assert_stopped(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as somebody else")
def test_root_lets_only_the_servers_user_pass_a_private_folder(folder: Path) -> None:
    folder.chmod(0o700)
    with embedded_server(folder / "home") as address:
        assert psycopg.connect(address).execute("SELECT 1").fetchone() == (1,)
    assert folder.stat().st_mode & 0o007 == 0
    assert can_pass(folder, pwd.getpwnam("pgserver").pw_uid)
    assert not can_pass(folder, pwd.getpwnam("nobody").pw_uid)
    listing = subprocess.run(["ls", folder], user="pgserver", capture_output=True, check=False)
    assert listing.returncode != 0, "passing shows nothing"
