"""Which raw rows take part: those that keep their table's contract, name what is there, and may be counted.

What belongs here: the order of the questions. What a table promises stands in `raw.tables`, whose input
counts in `participants`; what of the admitted rows counts, where somebody spoke twice, in `one_voice`.
"""

from collections.abc import Mapping

import polars as pl

from dft_pipeline.contracts import broken
from dft_pipeline.policies import ParticipantPolicy
from dft_pipeline.raw.tables import SOURCE_TABLES, SourceColumn
from dft_pipeline.values import further_prompts
from dft_pipeline.values.participants import left_out, not_counted
from dft_pipeline.values.setting_aside import NONE, Rule, Sorted, quarantined, sort_out

# The rule for a row that names something which is not there, by the table that it should be in.
UNKNOWN = {
    "case": "unknown_case",
    "context": "unknown_context",
    "chat": "unknown_chat",
    "canonicalValuesCard": "unknown_value",
    "valuesCard": "unknown_card",
    "deduplicatedCard": "unknown_card",
    "furtherPrompt": "unknown_prompt",
}

Tables = Mapping[str, pl.DataFrame]


def set_aside(raw: Tables, people: ParticipantPolicy) -> pl.DataFrame:
    """Table `set_aside`, of all raw tables by name; each row leaves under the first rule that it breaks.

    Participants are under pseudonyms (`participant_id`).
    """
    tables: dict[str, pl.DataFrame] = {}
    aside = []
    for name in SOURCE_TABLES:
        good = _keeping_contract(name, raw[name])
        rules = [*_references(name, raw, tables), *further_prompts.rules(name, good.kept, tables)]
        there = sort_out(name, good.kept, rules)
        tables[name] = there.kept
        aside += [good.set_aside, there.set_aside]
    absent = left_out(tables, people)
    for name in SOURCE_TABLES:
        aside.append(not_counted(name, tables, absent, people))
    return pl.concat([NONE, *aside]).sort(NONE.columns)


def _keeping_contract(name: str, rows: pl.DataFrame) -> Sorted:
    source = SOURCE_TABLES[name]
    found = broken(rows, source.contract, source.rules)
    if found.is_empty():
        return Sorted(rows, NONE)
    aside = [
        quarantined(name, part, _source_column(name, str(column)), str(rule))
        for (column, rule), part in found.group_by("broken_column", "broken_rule", maintain_order=True)
    ]
    key = list(source.pseudonymous_key)
    return Sorted(rows.join(found, on=key, how="anti", nulls_equal=True), pl.concat(aside))


def _source_column(name: str, pseudonymous: str) -> str:
    return next(one.name for one in SOURCE_TABLES[name].columns if one.pseudonymous == pseudonymous)


def _references(name: str, raw: Tables, admitted: Tables) -> list[Rule]:
    """A rule per column that names a row of another table; participants are `participants`' matter."""
    columns = [column for column in SOURCE_TABLES[name].columns if column.references in UNKNOWN]
    return [_reference(column, raw, admitted) for column in columns if _is_settled(name, column)]


def _is_settled(name: str, column: SourceColumn) -> bool:
    """Whether what is named must be there: a table without days may name what was done on later ones."""
    return SOURCE_TABLES[name].evidence or not SOURCE_TABLES[str(column.references)].evidence


def _reference(column: SourceColumn, raw: Tables, admitted: Tables) -> Rule:
    target = str(column.references)
    # Nothing can be looked up in a table that the source does not have.
    is_there = not (SOURCE_TABLES[target].optional and raw[target].is_empty())
    known = admitted[target][SOURCE_TABLES[target].key[0]].implode()
    astray = pl.col(column.name).is_not_null() & ~pl.col(column.name).is_in(known)
    return Rule(UNKNOWN[target], column.name, astray if is_there else pl.lit(False))
