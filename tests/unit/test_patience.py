"""What is tried again, how often, and what is not."""

from collections.abc import Callable

import pytest

from resources.database import refuses
from resources.patience import patiently
from resources.problems import BadSettings, LakeProblem, MissingSource, NoDatabase, NotAdmitted, Problem

NO_WAITS = (0, 0, 0)


def failing(problem: Exception, times: int) -> Callable[[], str]:
    """Work that fails so many times."""
    left = [problem] * times

    def work() -> str:
        if left:
            raise left.pop()
        return "done"

    return work


def test_what_may_pass_is_tried_again_and_said() -> None:
    said: list[str] = []
    assert patiently(failing(NoDatabase("nobody there"), 2), said.append, (0, 0.01, 0)) == "done"
    assert said == ["nobody there; again in 0 s", "nobody there; again in 0.01 s"]


def test_it_ends_after_the_last_wait() -> None:
    said: list[str] = []
    with pytest.raises(NoDatabase):
        patiently(failing(NoDatabase("nobody there"), 4), said.append, NO_WAITS)
    assert len(said) == 3
    assert patiently(failing(NoDatabase("nobody there"), 3), said.append, NO_WAITS) == "done"


@pytest.mark.parametrize("kind", [BadSettings, NotAdmitted, MissingSource, LakeProblem, ValueError])
def test_what_does_not_pass_fails_at_once(kind: type[Problem]) -> None:
    said: list[str] = []
    with pytest.raises(kind):
        patiently(failing(kind("so it is"), 1), said.append, NO_WAITS)
    assert said == []


@pytest.mark.parametrize(
    ("reason", "refused"),
    [
        ('FATAL:  database "x" does not exist', True),
        ('FATAL:  password authentication failed for user "x"', True),
        ("FATAL:  the database system is starting up", False),
        ("FATAL:  the database system is shutting down", False),
        ("FATAL:  sorry, too many clients already", False),
        ("connection refused", False),
        ("server closed the connection unexpectedly", False),
    ],
)
def test_a_server_that_is_not_ready_is_no_refusal(reason: str, refused: bool) -> None:
    assert refuses(f'connection to server at "h", port 5432 failed: {reason}') is refused
