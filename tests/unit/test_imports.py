"""Who asks for little waits for little: the heavy libraries are imported by what needs them."""

import subprocess
import sys

import pytest

HEAVY = ("dagster", "polars", "scipy", "pyarrow", "sqlalchemy", "psycopg")


@pytest.mark.parametrize("module", ["dft_pipeline", "dft_pipeline.cli"])
def test_importing_is_light(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
