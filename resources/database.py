"""The PostgreSQL that the project runs on: the one the environment names, else the home's embedded one."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from resources import sql
from resources.files import write_whole
from resources.migrations import migrate
from resources.postgres_server import embedded_server
from resources.problems import BadSettings, LakeProblem, NoDatabase, NotAdmitted
from resources.settings import Settings

# Dagster's tables in a schema of their own. It commits hundreds of events a run: not to wait for the disk
# each time saves a second. A crash of the server could lose the last of its log, never the project's data.
DAGSTER_OPTIONS = "-csearch_path=dagster -csynchronous_commit=off"
# What the app's ORM writes into an address, and libpq does not know.
PRISMA_WORDS = ("schema", "pgbouncer", "connection_limit", "pool_timeout")
# What a server says that is not ready yet, or full: each passes.
PASSING_STATES = (
    "starting up",
    "shutting down",
    "recovery",
    "not yet accepting",
    "too many",
    "remaining connection",
)
DAGSTER_URL = "DAGSTER_POSTGRES_URL"
DAGSTER_YAML = f"""\
storage:
  postgres:
    postgres_url:
      env: {DAGSTER_URL}
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
telemetry:
  enabled: false
nux:
  enabled: false
# A backfill asks for many runs at once, and one at a time writes to the lake: the others wait, in order.
concurrency:
  runs:
    max_concurrent_runs: 1
# A run whose process died is begun once more. A step that failed was tried again in its own run, or would
# fail again.
run_retries:
  enabled: true
  max_retries: 1
  retry_on_asset_or_op_failure: false
# Ends runs that never start, or never finish being cancelled, which would hold up the queue.
run_monitoring:
  enabled: true
freshness:
  enabled: true
"""


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The address of a running PostgreSQL, for libpq. Raises NoDatabase."""
    if settings.database_url is not None:
        yield libpq(settings.database_url)
    else:
        with _embedded(settings) as address:
            yield address


@contextmanager
def _embedded(settings: Settings) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            address = stack.enter_context(embedded_server(settings.home_folder))
        except RuntimeError as error:
            raise NoDatabase(str(error)) from None
        yield address


def libpq(url: str) -> str:
    """The address as libpq understands it: no Python driver, no words of the ORM. Raises BadSettings."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise BadSettings("a database's address should look like postgresql://user@host/name") from None
    if not address.drivername.startswith("postgres"):
        raise BadSettings(f"the database should be a PostgreSQL, not {address.drivername}")
    schema = address.query.get("schema", "public")
    if schema != "public":
        address = address.update_query_dict({"options": f"-csearch_path={schema}"})
    address = address.difference_update_query(PRISMA_WORDS).set(drivername="postgresql")
    return address.render_as_string(hide_password=False)


def connect(url: str) -> psycopg.Connection:
    """An open connection. Raises NoDatabase, or NotAdmitted."""
    try:
        return psycopg.connect(url, connect_timeout=10)
    except psycopg.OperationalError as error:
        where = make_url(url).render_as_string(hide_password=True)
        reason = str(error).splitlines()[0]
        if refuses(reason):
            raise NotAdmitted(f"the database at {where} does not let us in: {reason}") from None
        raise NoDatabase(f"no database answers at {where}: {reason}") from None


def refuses(reason: str) -> bool:
    """Whether a server that answered will answer the same next time: its settings or ours are wrong."""
    return "FATAL:" in reason and not any(state in reason for state in PASSING_STATES)


def prepare(url: str) -> None:
    """Brings the project's own schema up to date, and makes Dagster's. Raises NoDatabase, or OtherSchema."""
    with connect(url) as connection, not_lost():
        connection.execute(sql.text("dft/lock"))
        migrate(connection)


@contextmanager
def one_writer(url: str, lake: str) -> Iterator[psycopg.Connection]:
    """Holds the lake for one run, with a connection; it is free again when that has ended.

    Raises LakeProblem where another run holds it.
    """
    with connect(url) as connection:
        connection.autocommit = True
        with not_lost():
            row = connection.execute(sql.text("dft/hold_lake"), {"lake": lake}).fetchone()
        if row is None or not row[0]:
            raise LakeProblem(f"another build is writing to the lake {lake}; try again when it has ended")
        yield connection


def refuse_if_lost(connection: psycopg.Connection) -> None:
    """Raises NoDatabase where the connection, and so the lock that it held, is gone."""
    with not_lost():
        connection.execute(sql.text("dft/alive"))


@contextmanager
def not_lost() -> Iterator[None]:
    """Raises NoDatabase where the connection is lost meanwhile."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise NoDatabase(f"the database was lost: {str(error).splitlines()[0]}") from None


def prepare_dagster(url: str, settings: Settings) -> None:
    """Sets the environment of this process, and so of its children, for Dagster on this database.

    Whatever Dagster starts finds the same database, home and lake, wherever it is started.
    """
    folder = settings.home_folder / "dagster"
    write_whole(folder / "dagster.yaml", DAGSTER_YAML.encode())
    address = make_url(url).set(drivername="postgresql+psycopg2")
    address = address.update_query_dict({"options": DAGSTER_OPTIONS})
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ[DAGSTER_URL] = address.render_as_string(hide_password=False)
    os.environ["DFT_HOME"] = str(settings.home_folder)
    os.environ["DFT_LAKE"] = settings.lake_url
    os.environ["DFT_DATABASE_URL"] = url
    os.environ["DFT_PSEUDONYM_KEY"] = settings.key().decode()
    os.environ["DFT_SOURCE_URL"] = settings.source_url or url
    os.environ["DFT_TIME_ZONE"] = settings.time_zone
    os.environ["DFT_PUBLISH_TEXTS"] = str(settings.publish_texts).lower()
    if settings.keep_daily is not None:
        os.environ["DFT_KEEP_DAILY"] = str(settings.keep_daily)
    if settings.notify_url is not None:
        os.environ["DFT_NOTIFY_URL"] = settings.notify_url.get_secret_value()
    os.environ.update(settings.model_environment())
