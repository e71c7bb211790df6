"""What tests share: a PostgreSQL, a fresh database on it, the `dft` command, the real run's tables."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from dft_pipeline.simulate import Deliberation, simulate, write
from resources.postgres_server import embedded_server
from tests.warm import WarmProcess

CHECKOUT = Path(__file__).parents[1]
WARM = WarmProcess()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of an embedded PostgreSQL, one for all tests of this process."""
    # Not tmp_path: that is private to root, and the server of a root user runs as somebody else.
    home = Path(tempfile.mkdtemp(prefix="dft-test-"))
    home.chmod(0o755)
    try:
        with embedded_server(home) as address:
            yield address
    finally:
        shutil.rmtree(home)


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """The address of a new, empty database, dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    _administer(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    _administer(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database_url(server: str) -> Iterator[str]:
    """The address of a database of the test's own."""
    with fresh_database(server) as url:
        yield url


def _administer(server: str, statement: sql.Composed) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)


class Dft:
    """The `dft` command in a working folder and an environment of its own; an exit code never raises."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DFT_HOME": str(folder / "home"),
            "DFT_DATABASE_URL": database_url,
            # Tests run side by side, and their frames are small: more threads would only take turns.
            **dict.fromkeys(("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
        }

    def __call__(self, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs it to its end; further variables of the environment by name."""
        done = WARM.run([*map(str, words)], self.folder, self.environment | environment)
        if done is not None:
            return done
        process = self.start(*words, **environment)
        output, errors = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def start(self, *words: object, **environment: str) -> subprocess.Popen[str]:
        """Starts it, for a test that does not wait for its end."""
        return subprocess.Popen(
            [Path(sys.executable).with_name("dft"), *map(str, words)],
            cwd=self.folder,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@contextmanager
def deliberating(server: str, folder: Path, people: int = 120, **environment: str) -> Iterator[Dft]:
    """`dft` on a database of its own that holds a synthetic deliberation; its table files in `files`."""
    with fresh_database(server) as url:
        dft = Dft(folder, url)
        dft.environment |= environment
        write(simulate(people, 7), folder / "files")
        done = dft("load", folder / "files")
        assert done.returncode == 0, done.stderr
        yield dft


@pytest.fixture
def dft(tmp_path: Path, database_url: str) -> Dft:
    """Runs `dft` on the test's database, e.g. `dft("load", folder, "--json")`."""
    folder = tmp_path / "dft"
    folder.mkdir()
    return Dft(folder, database_url)


@pytest.fixture(scope="session")
def deliberation() -> Deliberation:
    """A small synthetic one, broken rows and all."""
    return simulate(25, seed=3)


@pytest.fixture(scope="session")
def files(deliberation: Deliberation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its table files, in a folder that tests leave as it is."""
    folder = tmp_path_factory.mktemp("deliberation")
    write(deliberation, folder)
    return folder


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of the real run's tables; what needs it is skipped where it is absent."""
    folder = CHECKOUT.parent / "shared" / "dft-2023"
    if not folder.is_dir():
        pytest.skip("the real run's tables (../shared/dft-2023) are not beside this checkout")
    return folder
