"""Which snapshots are kept: every day for a while, then one a week, and what something was exported from."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta


def no_longer_kept(days: Sequence[date], keep_daily: int | None, exported: Iterable[date]) -> list[date]:
    """The days whose snapshots go, sorted. `keep_daily`: for how many days all are kept; None for ever.

    Counted from the newest of `days`. Of earlier ones the latest of each ISO week stays, and all `exported`.
    """
    if keep_daily is None or not days:
        return []
    begin = max(days) - timedelta(days=keep_daily - 1)
    last_of_week = {day.isocalendar()[:2]: day for day in sorted(days)}
    kept = {*last_of_week.values(), *exported}
    return [day for day in sorted(days) if day < begin and day not in kept]
