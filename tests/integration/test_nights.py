"""Nights that go wrong: a database that goes away, killed builds, failures that are told, ranges of days."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import psutil
import psycopg
import pytest
from sqlalchemy.engine import make_url

from assets.nights import dead_runs, failed_nights
from dft_pipeline.definitions import defs
from resources.build import Workplace
from resources.database import DAGSTER_URL, prepare_dagster, refuse_if_lost
from resources.extraction import extract
from resources.lake import Lake
from resources.problems import NoDatabase
from resources.settings import settings
from tests.conftest import Dft, deliberating, fresh_database
from tests.unit.test_notifier import Receiver

DAYS = [date(2024, 1, number) for number in (12, 13, 14)]
EMPTY_DAY = date(2023, 12, 31)  # nobody had taken part: a check blocks it
MEANWHILE = (None,)  # the driver first asks for the types, in a connection of its own
KEY = {"DFT_PSEUDONYM_KEY": "a key for tests"}


@pytest.fixture(scope="module")
def loaded(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """`dft` on a database that holds a small synthetic deliberation."""
    with deliberating(server, tmp_path_factory.mktemp("nights"), **KEY) as dft:
        yield dft


@pytest.fixture
def dft(loaded: Dft, tmp_path: Path) -> Dft:
    """The same database, a lake of the test's own."""
    loaded.environment["DFT_LAKE"] = str(tmp_path / "lake")
    return loaded


@pytest.fixture
def told() -> Iterator[Receiver]:
    """A web server that keeps what it is told."""
    receiver = Receiver(200)
    receiver.silent.set()
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield receiver
    receiver.shutdown()
    receiver.server_close()
    thread.join()


class Proxy:
    """Between a client and the server's socket; ends a connection after so many bytes of answers."""

    def __init__(self, server: str, cut_after: list[int | None]) -> None:
        address = make_url(server)
        self.socket = f"{address.query['host']}/.s.PGSQL.{address.query['port']}"
        self.cut_after = cut_after  # of each connection in turn; None, and all after the last: never
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, database_url: str) -> str:
        port = self.listener.getsockname()[1]
        return f"postgresql://postgres@127.0.0.1:{port}/{make_url(database_url).database}?sslmode=disable"

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            limit = self.cut_after[self.connections] if self.connections < len(self.cut_after) else None
            self.connections += 1
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.socket)
            for source, target, most in ((client, server, None), (server, client, limit)):
                threading.Thread(target=_copy, args=(source, target, most), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket, most: int | None) -> None:
    passed = 0
    try:
        while (content := source.recv(4096)) and (most is None or passed < most):
            target.sendall(content)
            passed += len(content)
    except OSError:
        pass
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(server: str, *cut_after: int | None) -> Iterator[Proxy]:
    made = Proxy(server, list(cut_after))
    with closing(made.listener):
        yield made


# Databases that go away


def test_a_source_that_is_lost_while_it_is_read_is_read_again(dft: Dft, server: str) -> None:
    with proxy(server, *MEANWHILE, 600_000) as between:
        source = between.url(dft.environment["DFT_DATABASE_URL"])
        done = dft("build", "--as-of", DAYS[0], DFT_SOURCE_URL=source)
    assert done.returncode == 0, done.stderr
    assert "↻ raw_tables: the source was lost while it was read: " in done.stderr
    assert "again in 2 s" in done.stderr
    assert between.connections == 4
    assert "✓ raw/user" in done.stderr.split("↻")[0], "it was lost in the middle"
    assert Lake(dft.environment["DFT_LAKE"]).days() == DAYS[:1]


@pytest.mark.parametrize(
    "cut_after",
    [(0,), (50_000,), (*MEANWHILE, 0), (*MEANWHILE, 2_000), (*MEANWHILE, 200_000), (*MEANWHILE, 1_000_000)],
)
def test_whenever_a_source_is_lost_it_is_no_database(
    dft: Dft, server: str, tmp_path: Path, cut_after: tuple[int | None, ...]
) -> None:
    with proxy(server, *cut_after) as between:
        rows = extract(between.url(dft.environment["DFT_DATABASE_URL"]), Lake(str(tmp_path / "lake")))
        with pytest.raises(NoDatabase, match="the source "):
            list(rows)


def test_wrong_settings_of_a_source_fail_at_once(dft: Dft, server: str) -> None:
    with proxy(server) as between:
        nowhere = make_url(server).set(database="nowhere").render_as_string(hide_password=False)
        done = dft("build", "--as-of", DAYS[0], DFT_SOURCE_URL=between.url(nowhere))
    assert done.returncode == 1
    assert "the source does not let us in" in done.stderr
    assert 'database "nowhere" does not exist' in done.stderr
    assert "↻" not in done.stderr
    assert between.connections == 1


def test_a_build_outlives_its_database(tmp_path_factory: pytest.TempPathFactory, loaded: Dft) -> None:
    folder = tmp_path_factory.mktemp("killed")
    folder.chmod(0o755)
    alone = Dft(folder, "")
    alone.environment |= KEY
    assert alone("load", loaded.folder / "files").returncode == 0
    process = alone.start("build", "--as-of", DAYS[0])
    staged = folder / f"home/lake/.staging/as_of={DAYS[0]}/judgments"
    while not staged.exists() and process.poll() is None:
        time.sleep(0.001)
    server = int((folder / "home/postgres/postmaster.pid").read_text().split()[0])
    psutil.Process(server).kill()
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert "↻ the database was lost" in said
    assert "Traceback" not in said
    assert Lake(str(folder / "home/lake")).days() == DAYS[:1]


def test_a_lake_that_may_be_anothers_by_now_is_not_written(server: str) -> None:
    with fresh_database(server) as url, psycopg.connect(url, autocommit=True) as lock:
        refuse_if_lost(lock)
        pid = lock.info.backend_pid
        with psycopg.connect(server, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        with pytest.raises(NoDatabase, match="the database was lost"):
            refuse_if_lost(lock)


# Runs that died


@contextmanager
def dagster_of(dft: Dft, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Dagster's storage as `dft` has it, in this process."""
    for name, value in dft.environment.items():
        if name.startswith("DFT_"):
            monkeypatch.setenv(name, value)
    for name in ("DAGSTER_HOME", DAGSTER_URL, "DFT_SOURCE_URL", "DFT_TIME_ZONE", "DFT_NOTIFY_URL"):
        monkeypatch.setenv(name, "")  # so that it is as before when the test has ended
    prepare_dagster(dft.environment["DFT_DATABASE_URL"], settings())
    with dg.DagsterInstance.get() as instance:
        yield instance


def killed(dft: Dft, day: date) -> None:
    """A build that has begun and was killed."""
    process = dft.start("build", "--as-of", day)
    staging = Path(dft.environment["DFT_LAKE"]) / ".staging" / f"as_of={day}"
    while not staging.exists() and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was killed before its end"


def latest(instance: dg.DagsterInstance) -> dg.DagsterRun:
    return instance.get_runs(limit=1)[0]


def test_the_daemon_ends_a_run_that_was_killed_and_tells_of_it(
    dft: Dft, told: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(dft, DAYS[0])
    with dagster_of(dft, monkeypatch) as instance:
        monkeypatch.setenv("DFT_NOTIFY_URL", told.url)
        run = latest(instance)
        assert run.status == dg.DagsterRunStatus.STARTED, "nobody has told Dagster of its end"
        for _ in range(2):
            dead_runs(dg.build_sensor_context(instance))
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
    assert [(body["day"], body["run_id"]) for body in told.bodies] == [(str(DAYS[0]), run.run_id)]
    assert "the process of the run died" in told.said()


def test_the_next_build_ends_a_run_that_was_killed(dft: Dft, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(dft, DAYS[0])
    with dagster_of(dft, monkeypatch) as instance:
        run = latest(instance)
        assert dft("build", "--as-of", DAYS[0]).returncode == 0
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
        assert latest(instance).status == dg.DagsterRunStatus.SUCCESS


def test_a_run_that_lives_is_left_alone(dft: Dft, monkeypatch: pytest.MonkeyPatch) -> None:
    process = dft.start("build", "--as-of", DAYS[0])
    with dagster_of(dft, monkeypatch) as instance:
        before = latest(instance).run_id
        while (run := latest(instance)).run_id == before or run.status != dg.DagsterRunStatus.STARTED:
            assert process.poll() is None
        dead_runs(dg.build_sensor_context(instance))
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.STARTED
        assert process.wait() == 0
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.SUCCESS
    process.communicate()


# Nights that are told


def test_a_failed_build_tells_the_webhook_once(
    dft: Dft, told: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = dft("build", "--as-of", EMPTY_DAY, DFT_NOTIFY_URL=told.url)
    assert done.returncode == 1
    (body,) = told.bodies
    assert body["cause"].startswith("reward_rows: not_empty: 0 rows")
    assert (body["job"], body["asset"], body["day"]) == ("nightly", "reward_rows", str(EMPTY_DAY))
    assert body["go_on"] == f"see dft status, mend what the check found, then: dft build --as-of {EMPTY_DAY}"
    assert "s3cret" not in done.stderr + done.stdout
    with dagster_of(dft, monkeypatch) as instance:
        monkeypatch.setenv("DFT_NOTIFY_URL", told.url)
        _sense(instance, latest(instance))
    assert len(told.bodies) == 1, "the daemon does not tell of what the command has told of"


def test_the_daemon_tells_of_a_failed_night(
    dft: Dft, told: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dagster_of(dft, monkeypatch) as instance:
        monkeypatch.setenv("DFT_NOTIFY_URL", told.url)
        job = defs.resolve_job_def("nightly")
        result = job.execute_in_process(instance=instance, partition_key=str(EMPTY_DAY), raise_on_error=False)
        _sense(instance, result.dagster_run)
    (body,) = told.bodies
    assert body["cause"].startswith("reward_rows: not_empty: 0 rows")
    assert body["run_id"] == result.run_id


def _sense(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    event = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records[0]
    failed_nights(
        dg.build_run_status_sensor_context(
            "failed_nights", event.event_log_entry.get_dagster_event(), instance, run
        ).for_run_failure()
    )


def test_a_held_lake_is_refused_at_once_and_not_begun_anew(dft: Dft, monkeypatch: pytest.MonkeyPatch) -> None:
    with dagster_of(dft, monkeypatch) as instance:
        with Workplace().database() as url, psycopg.connect(url, autocommit=True) as other:
            key = "SELECT pg_advisory_lock(hashtextextended(%s, 743382))"
            other.execute(key, [dft.environment["DFT_LAKE"]])
            job = defs.resolve_job_def("nightly")
            waits: list[float] = []
            monkeypatch.setattr("resources.patience.time", SimpleNamespace(sleep=waits.append))
            result = job.execute_in_process(
                instance=instance, partition_key=str(DAYS[0]), raise_on_error=False
            )
            assert waits == [], "it does not wait for the other run"
        run = instance.get_run_by_id(result.run_id)
        assert run.status == dg.DagsterRunStatus.FAILURE
        assert run.tags["dagster/will_retry"] == "false"


# Ranges of days


def test_a_range_goes_on_where_it_stopped(dft: Dft) -> None:
    lake = Path(dft.environment["DFT_LAKE"])
    assert dft("build", "--as-of", DAYS[0]).returncode == 0
    (lake / "raw/vote/index.json").rename(lake / "kept")
    (lake / "raw/vote/index.json").write_text("{")
    stopped = dft("build", "--from", DAYS[0], "--to", DAYS[2])
    assert stopped.returncode == 1
    assert f"{DAYS[0]} is built already, with the same settings" in stopped.stderr
    assert "raw/vote/index.json" in stopped.stderr
    assert "1 of 3 days are built. To go on: the same command again" in stopped.stderr
    assert str(DAYS[2]) not in stopped.stderr, "it stops at the first that fails"
    (lake / "kept").rename(lake / "raw/vote/index.json")
    done = dft("build", "--from", DAYS[0], "--to", DAYS[2], "--json")
    assert done.returncode == 0, done.stderr
    assert [found["as_of"] for found in json.loads(done.stdout)] == list(map(str, DAYS))
    assert Lake(str(lake)).days() == DAYS
    _other_settings_need_replace(dft, lake)


def _other_settings_need_replace(dft: Dft, lake: Path) -> None:
    (lake / f"manifests/as_of={DAYS[0]}.json").unlink()
    words = ("build", "--from", DAYS[0], "--to", DAYS[1], "--h", "0")
    refused = dft(*words)
    assert refused.returncode == 2
    assert f"{DAYS[1]} was built with other settings" in refused.stderr
    assert Lake(str(lake)).days() == DAYS[1:], "it is refused before the first day"
    done = dft(*words, "--replace", "--json")
    assert [found["h"] for found in json.loads(done.stdout)] == [0, 0]
    assert "built already" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--as-of DAY, or several with --from DAY --to DAY"),
        (("--from", DAYS[0]), "--as-of DAY, or several with --from DAY --to DAY"),
        (("--as-of", DAYS[0], "--to", DAYS[1]), "--as-of DAY, or several with --from DAY --to DAY"),
        (("--from", DAYS[1], "--to", DAYS[0]), "--to 2024-01-12 is before --from 2024-01-13"),
        (("--from", DAYS[1], "--to", "2999-01-01"), "2999-01-01 has not ended yet"),
        (("--from", DAYS[0], "--to", DAYS[1], "--select", "votes"), "--select is for a single day"),
    ],
)
def test_wrong_usage_of_days_says_what_is_wrong(dft: Dft, words: tuple[object, ...], said: str) -> None:
    done = dft("build", *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_build_without_a_database_is_told_too(dft: Dft, told: Receiver) -> None:
    nowhere = f"{make_url(dft.environment['DFT_DATABASE_URL']).set(database='nowhere')}"
    done = dft("build", "--as-of", DAYS[0], DFT_DATABASE_URL=nowhere, DFT_NOTIFY_URL=told.url)
    assert done.returncode == 1
    assert "does not let us in" in done.stderr
    assert "does not let us in" in told.said()
    assert "↻" not in done.stderr
