"""What the raw tables must be like before values are made of them; most of it is a warning.

Single bad rows are set aside, so that they do no harm: these gates say how many there are and of what kind.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from dft_pipeline.contracts import repeated
from dft_pipeline.gates import Gate, Measured
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.table_gates import examples
from dft_pipeline.values.admission import UNKNOWN
from dft_pipeline.values.participants import BACKGROUND, unregistered
from dft_pipeline.values.reading import NO_ANSWER

Tables = Mapping[str, pl.DataFrame]

ASSET = "set_aside"
FEWEST_SHOWN, MOST_SHOWN = 2, 6  # values of a draw
OLDEST_DAYS = 7.0


def _warning(name: str, says: str, unit: str = "rows", high: float = 0) -> Gate:
    return Gate(name, ASSET, says, high=high, blocks=False, unit=unit)


SOURCE_KEYS = Gate(
    "source_keys_unique",
    ASSET,
    "no two rows of a raw table have the same key",
    high=0,
    mend="mend the source",
)
CONTRACTS = _warning("source_rows_keep_contracts", "every raw row keeps its table's types, ranges and order")
REFERENCES = _warning("references_resolve", "every raw row names cases, contexts, chats and cards that exist")
REGISTERED = _warning("participants_registered", "every row is by somebody in the user table")
CONTEXTS = _warning("contexts_have_cases", "every context belongs to a case", "contexts")
SHOWN = _warning("votes_were_shown", "a vote is for a value that was shown in its draw", "votes")
ONE_DRAWER = _warning("draws_have_one_participant", "a draw is one participant's", "draws")
DRAW_SIZE = _warning("draws_have_2_to_6_values", "a draw has two to six rows", "draws")
ONCE = _warning("once_per_draw", "a value is shown, and voted for, once in a draw")
EXPIRED = _warning("backgrounds_known", "no background has expired or been withdrawn", "participants")
FRESH = _warning("newest_row_is_fresh", "the newest row was made at most a week before", "days", OLDEST_DAYS)

RAW_GATES = (
    SOURCE_KEYS,
    CONTRACTS,
    REFERENCES,
    REGISTERED,
    CONTEXTS,
    SHOWN,
    ONE_DRAWER,
    DRAW_SIZE,
    ONCE,
    EXPIRED,
    FRESH,
)


def measured_raw(raw: Tables, set_aside: pl.DataFrame, day: date) -> list[Measured]:
    """What the gates see in the raw tables by name, participants under pseudonyms, as of a day."""
    repeats = {name: repeated(rows, SOURCE_TABLES[name].pseudonymous_key) for name, rows in raw.items()}
    unknown = pl.col("rule").is_in(set(UNKNOWN.values()))
    promised = pl.col("rule").is_in(_promised())
    return [
        Measured(SOURCE_KEYS, sum(repeats.values()), seen=_counts(repeats)),
        _by_rule(CONTRACTS, set_aside.filter(promised)),
        _by_rule(REFERENCES, set_aside.filter(unknown)),
        _registered(raw),
        _contexts(raw),
        *_draws(raw["vote"], raw["impression"]),
        _expired(raw["demographic"]),
        Measured(FRESH, _age_in_days(raw, day)),
    ]


def _promised() -> set[str]:
    named = {rule.name for table in SOURCE_TABLES.values() for rule in table.rules}
    return named | {"missing_value", "out_of_range", "unknown_enum", "wrong_form"}


def _by_rule(gate: Gate, rows: pl.DataFrame) -> Measured:
    kinds = rows.group_by(kind=pl.format("{} {}", "table", "rule")).len()
    kinds = kinds.sort("len", "kind", descending=[True, False])
    keys = rows.select(pl.format("{} {}", "table", pl.col("key").fill_null("?"))).to_series()
    return Measured(gate, len(rows), examples(keys), _counts(dict(kinds.iter_rows())))


def _registered(raw: Tables) -> Measured:
    strangers = unregistered(raw)
    if strangers.is_empty():
        return Measured(REGISTERED, 0)
    theirs = {
        name: len(rows.join(strangers, on="participant_id", how="semi"))
        for name, rows in raw.items()
        if "participant_id" in rows.columns
    }
    seen = f"{len(strangers)} participants: {_counts(theirs)}"
    return Measured(REGISTERED, sum(theirs.values()), examples(strangers["participant_id"]), seen)


def _contexts(raw: Tables) -> Measured:
    linked = raw["contextsOnCases"]["contextId"].implode()
    loose = raw["context"].filter(~pl.col("id").is_in(linked))["id"].sort()
    return Measured(CONTEXTS, len(loose), examples(loose))


def _draws(votes: pl.DataFrame, shown: pl.DataFrame) -> Sequence[Measured]:
    is_shared = pl.col("people") > 1
    has_odd_size = ~pl.col("rows").is_between(FEWEST_SHOWN, MOST_SHOWN)
    unseen, draws = pl.collect_all(
        [
            votes.lazy()
            .join(shown.lazy(), on=["drawId", "valuesCardId"], how="anti")
            .select("id")
            .sort("id"),
            _runs(shown, "drawId", "participant_id")
            .group_by("drawId")
            .agg(people=pl.col("participant_id").n_unique(), rows=pl.col("rows").sum())
            .filter(is_shared | has_odd_size)
            .sort("drawId"),
        ]
    )
    shared, odd = (draws.filter(found)["drawId"] for found in (is_shared, has_odd_size))
    twice = {"vote": _more_than_once(votes), "impression": _more_than_once(shown)}
    return [
        Measured(SHOWN, len(unseen), examples(unseen["id"])),
        Measured(ONE_DRAWER, len(shared), examples(shared)),
        Measured(DRAW_SIZE, len(odd), examples(odd)),
        Measured(ONCE, sum(twice.values()), seen=_counts(twice)),
    ]


def _runs(rows: pl.DataFrame, *columns: str) -> pl.LazyFrame:
    """Rows next to each other that agree in the columns as one, with their number in `rows`.

    The rows of a draw mostly stand together, and few rows are quicker to compare.
    """
    differs = (pl.col(column).ne_missing(pl.col(column).shift()) for column in columns)
    begins = (
        rows.lazy()
        .select(columns)
        .with_row_index("place")
        .filter((pl.col("place") == 0) | pl.any_horizontal(differs))
    )
    following = pl.col("place").shift(-1, fill_value=len(rows))
    return begins.with_columns(rows=following - pl.col("place"))


def _more_than_once(rows: pl.DataFrame) -> int:
    """The rows that show a participant a value of a draw again, or vote for it again."""
    shortly = ("valuesCardId", "drawId")  # quicker to compare, and unless it repeats, the rest does not
    return repeated(rows, shortly) and repeated(rows, ("participant_id", *shortly))


def _expired(demographic: pl.DataFrame) -> Measured:
    lost = pl.any_horizontal(pl.col(BACKGROUND).is_in(NO_ANSWER))
    people = demographic.filter(lost)["participant_id"].unique().sort()
    return Measured(EXPIRED, len(people), examples(people))


def _age_in_days(raw: Tables, day: date) -> float | None:
    """Days from the newest row of what participants did to the end of the day; None where there is none."""
    evidence = [raw[name]["createdAt"].max() for name, table in SOURCE_TABLES.items() if table.evidence]
    times = [newest for newest in evidence if isinstance(newest, datetime)]
    if not times:
        return None
    end = datetime.combine(day, time(), UTC) + timedelta(days=1)
    return (end - max(times)) / timedelta(days=1)


def _counts(of: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in of.items() if count)
