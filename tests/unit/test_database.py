"""Addresses of databases, as people and their tools write them."""

import pytest

from resources.database import libpq
from resources.problems import BadSettings


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("postgresql+psycopg2://me@h/app", "postgresql://me@h/app"),
        ("postgres://me:pass@h:5433/app", "postgresql://me:pass@h:5433/app"),
        ("postgresql://me@h/app?schema=public&pgbouncer=true&connection_limit=1", "postgresql://me@h/app"),
        ("postgresql://me@h/app?schema=dft2", "postgresql://me@h/app?options=-csearch_path%3Ddft2"),
        ("postgresql://me@h/app?sslmode=require", "postgresql://me@h/app?sslmode=require"),
    ],
)
def test_an_address_as_libpq_understands_it(written: str, understood: str) -> None:
    assert libpq(written) == understood


@pytest.mark.parametrize("written", ["nonsense", "mysql://h/app", "postgresql://me:p@ss:w0rd@h/db"])
def test_what_is_no_address_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(BadSettings) as refused:
        libpq(written)
    assert "w0rd" not in str(refused.value)
