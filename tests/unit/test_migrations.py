"""Which migrations a database still needs, and which databases are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.history.migrations import Diverged, Migration, pending
from resources.migrations import known

ALL = [Migration(number, f"{number:04}_step", f"{number:064x}") for number in range(1, 6)]


@given(st.integers(0, 5))
def test_a_database_gets_what_it_has_not_had(had: int) -> None:
    assert pending(ALL[:had], ALL) == ALL[had:]


@given(st.integers(0, 4))
def test_a_migration_that_was_changed_is_named(place: int) -> None:
    changed = [*ALL[:place], ALL[place]._replace(sha256="f" * 64), *ALL[place + 1 :]]
    with pytest.raises(Diverged, match=f"another migration {ALL[place].name}: SHA-256 f"):
        pending(changed, ALL)


def test_a_newer_database_is_refused_by_the_name_of_its_migration() -> None:
    with pytest.raises(Diverged, match="0004_step, which this version"):
        pending(ALL, ALL[:3])


def test_a_migration_of_another_name_is_named() -> None:
    with pytest.raises(Diverged, match="0002_other where this version of the project has 0002_step"):
        pending([ALL[0], ALL[1]._replace(name="0002_other")], ALL)


def test_the_files_are_numbered_from_1_without_a_gap() -> None:
    assert [one.number for one in known()] == list(range(1, len(known()) + 1))
