"""Steps that are tried again: those that read outside, and there only what may pass by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from resources.patience import WAITS_S
from resources.problems import Passing


@contextmanager
def retried(context: dg.AssetExecutionContext) -> Iterator[None]:
    """The step starts over after a wait where this raises Passing; any other error fails it at once."""
    try:
        yield
    except Passing as error:
        attempt = context.retry_number
        if attempt >= len(WAITS_S):
            raise
        raise dg.RetryRequested(max_retries=len(WAITS_S), seconds_to_wait=WAITS_S[attempt]) from error
