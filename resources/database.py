"""The PostgreSQL that the project runs on: the one the environment names, else the home's embedded one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from resources import sql
from resources.postgres_server import embedded_server
from resources.settings import Settings

DAGSTER_SCHEMA = "dagster"
DAGSTER_URL = "DAGSTER_POSTGRES_URL"
DAGSTER_YAML = f"""\
storage:
  postgres:
    postgres_url:
      env: {DAGSTER_URL}
telemetry:
  enabled: false
nux:
  enabled: false
"""


class NoDatabase(RuntimeError):
    """The database does not answer; the message says which, without its password."""


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The address of a running PostgreSQL, for libpq. Raises NoDatabase."""
    if settings.database_url is not None:
        yield libpq(settings.database_url)
    else:
        with embedded_server(settings.home_folder) as address:
            yield address


def libpq(url: str) -> str:
    """The address without the name of a Python driver in its scheme."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def connect(url: str) -> psycopg.Connection:
    """An open connection. Raises NoDatabase."""
    try:
        return psycopg.connect(url, connect_timeout=10)
    except psycopg.OperationalError as error:
        where = make_url(url).render_as_string(hide_password=True)
        raise NoDatabase(f"no database answers at {where}: {str(error).splitlines()[0]}") from None


def prepare(url: str) -> None:
    """Makes the project's own schema, and Dagster's, where they are missing."""
    with connect(url) as connection:
        connection.execute(sql.text("dft/lock"))
        connection.execute(sql.text("dft/schema"))


def prepare_dagster(url: str, home: Path) -> None:
    """Sets the environment of this process, and so of its children, for Dagster on this database."""
    folder = home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    yaml = folder / "dagster.yaml"
    if not yaml.exists() or yaml.read_text(encoding="utf-8") != DAGSTER_YAML:
        yaml.write_text(DAGSTER_YAML, encoding="utf-8")
    address = make_url(url).set(drivername="postgresql+psycopg2")
    address = address.update_query_dict({"options": f"-csearch_path={DAGSTER_SCHEMA}"})
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ[DAGSTER_URL] = address.render_as_string(hide_password=False)
    os.environ["DFT_DATABASE_URL"] = url
