"""Runs the `dft` command in a fork of a process that has imported the libraries already.

Importing them is a third of what a small night takes. Each command is a process of its own still, with its
own environment, folder and exit, and imports the modules of the project itself.

    python tests/warm.py  # a request as a line of JSON on stdin, its exit code as a line on stdout
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LIBRARIES = (
    "dagster",
    "dagster_postgres",
    "dataframely",
    "great_expectations",
    "great_expectations.expectations.core",
    "matplotlib.figure",
    "networkx",
    "openai",
    "openai.types.chat",
    "pandas",
    "polars",
    "psycopg",
    "psycopg2",
    "pyarrow.parquet",
    "rich.console",
    "scipy.sparse.csgraph",
    "scipy.special",
    "sklearn.feature_extraction.text",
    "sqlalchemy.orm",
    "typer",
)


class WarmProcess:
    """One for the tests of a process; a second command at the same time is told to go elsewhere."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._server: subprocess.Popen[str] | None = None

    def run(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str] | None:
        """The command, run to its end; None where one is under way."""
        if not self._busy.acquire(blocking=False):
            return None
        try:
            with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
                shown = {"output": output, "errors": errors}
                paths = {name: f"/proc/{os.getpid()}/fd/{file.fileno()}" for name, file in shown.items()}
                code = self._asked(
                    {"words": words, "folder": str(folder), "environment": dict(environment), **paths}
                )
                output.seek(0)
                errors.seek(0)
                return subprocess.CompletedProcess(["dft", *words], code, output.read(), errors.read())
        finally:
            self._busy.release()

    def close(self) -> None:
        if self._server is not None:
            self._server.communicate()

    def _asked(self, request: Mapping[str, Any]) -> int:
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline() or -signal.SIGKILL)


def _serve() -> None:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    for library in LIBRARIES:
        importlib.import_module(library)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(request)
            from dft_pipeline.cli import main

            main()
            return
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def _become(request: Mapping[str, Any]) -> None:
    """The process that the command would have been."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate(
        (nothing, *(os.open(request[name], os.O_WRONLY) for name in ("output", "errors")))
    ):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = ["dft", *request["words"]]
    sys.stdin = os.fdopen(0)
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    _serve()
