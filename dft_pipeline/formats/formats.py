"""The formats that training data is exported in: one table of what each is, reads and is read by."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dft_pipeline.formats import choices, hub, preferences, rubrics, tabular
from dft_pipeline.formats.filtering import kept
from dft_pipeline.formats.making import (
    EXPORT,
    LENGTHS,
    Asked,
    Made,
    Parquet,
    Refused,
    Tables,
    encoded,
    rows_of,
)
from dft_pipeline.formats.names import DatasetFormat as Name

# What each table waits for, where a snapshot has none of it.
WAITS_FOR = {
    "reward_rows": "Γ chose no value for any prompt",
    "preference_pairs": "it takes completions that were scored or written by guidance",
}
ABOUT_PEOPLE = ("participant_behaviour", "demographic_coverage")


@dataclass(frozen=True)
class Format:
    """A format. `version` goes up with its rule; `limits`: what is checked before anything is written.

    `key`: what identifies a row; without one the rows are a table's, and have its key. `is_public`: whether
    it says under which licence the data may be used, and what participants agreed to.
    """

    name: Name
    version: int
    says: str
    needs: tuple[str, ...]
    make: Callable[[Tables, Asked], Made]
    limits: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    reads_too: tuple[str, ...] = ()
    takes_margin: bool = False
    is_public: bool = False


_TEXTS = ("blank_prompt", "no_provenance")
_PAIRS = ("preference_pairs",)
_FORMATS = (
    Format(
        Name.REWARD,
        1,
        "every training table as Parquet, a file for each table and split",
        tabular.NEEDED,
        tabular.reward,
        (LENGTHS,),
        reads_too=tabular.WHERE_THERE,
    ),
    Format(
        Name.RUBRIC,
        1,
        "a prompt with criteria and points, in the shape of HealthBench",
        tabular.NEEDED,
        rubrics.rubric,
        (*_TEXTS, "blank_criterion", "points_above_0", "weights_sum_to_1"),
        ("prompt_id",),
    ),
    Format(
        Name.TRL_PREFERENCE,
        1,
        "TRL's preference type, explicit prompt, conversational: for RewardTrainer and DPOTrainer",
        _PAIRS,
        preferences.preference,
        (*_TEXTS, "blank_chosen", "blank_rejected", "same_text_twice", LENGTHS),
        ("pair_id",),
        takes_margin=True,
    ),
    Format(
        Name.TRL_PREFERENCE_PLAIN,
        1,
        "the same with texts instead of messages",
        _PAIRS,
        preferences.preference_plain,
        (*_TEXTS, "blank_chosen", "blank_rejected", "same_text_twice", LENGTHS),
        ("pair_id",),
        takes_margin=True,
    ),
    Format(
        Name.TRL_UNPAIRED_PREFERENCE,
        1,
        "TRL's unpaired preference type, conversational: for KTOTrainer",
        _PAIRS,
        preferences.unpaired_preference,
        (*_TEXTS, "blank_completion", LENGTHS),
        ("completion_id",),
    ),
    Format(
        Name.TRL_SFT,
        1,
        "TRL's prompt-completion type, conversational: the best completion of each prompt, for SFTTrainer",
        _PAIRS,
        preferences.sft,
        (*_TEXTS, "blank_completion"),
        ("completion_id",),
    ),
    Format(
        Name.CHAT_JSONL,
        1,
        "the same completions in OpenAI's fine-tuning format, which other servers take too",
        _PAIRS,
        preferences.chat,
        (*_TEXTS, "blank_completion", f"at_least_{preferences.FEWEST_CHATS}_examples"),
        ("completion_id",),
    ),
    Format(
        Name.VALUE_CHOICE,
        1,
        "a prompt with contexts that apply or do not, and values that are wise there or less wise",
        ("reward_rows", "prompt_contexts", "value_pairs"),
        choices.value_choice,
        _TEXTS,
        ("prompt_id",),
    ),
    Format(
        Name.HF,
        1,
        "the tables of `reward` as a folder that `datasets.load_dataset` opens, with a dataset card",
        (*tabular.NEEDED, *ABOUT_PEOPLE),
        hub.hf,
        ("DFT_LICENSE", "DFT_CONSENT_BASIS", LENGTHS),
        reads_too=(*tabular.WHERE_THERE, "judge_agreement"),
        is_public=True,
    ),
)
FORMATS: Mapping[Name, Format] = {form.name: form for form in _FORMATS}
# What the filters look at besides the tables that are exported.
FILTERED_BY = ("reward_rows", "rubric_rows", "edge_evidence", "completions", "criterion_scores")
MAY_BE_EMPTY = (*ABOUT_PEOPLE, "prompt_contexts", "value_pairs", "edge_evidence")


def read_by(name: Name) -> tuple[str, ...]:
    """The tables that a format is made from, where the snapshot has them."""
    form = FORMATS[name]
    return tuple(dict.fromkeys((*form.needs, *form.reads_too, *FILTERED_BY)))


def made(name: Name, tables: Tables, asked: Asked, parquet: Parquet) -> dict[str, bytes]:
    """The files of an export by their path, `export.json` among them. Raises Refused."""
    form = FORMATS[name]
    there = _with_rows(tables)
    _need(form, there, f"the snapshot of {asked.snapshot.as_of} has none")
    passed = _with_rows(kept(there, asked.filters))
    _need(form, passed, "the filters keep none")
    found = form.make(passed, asked)
    if not sum(map(rows_of, found.files.values())):
        raise Refused(f"format {name}: nothing is left to write: {found.left_out}")
    filtered = {table: len(there[table]) - len(passed.get(table, ())) for table in sorted(there)}
    files = {path: encoded(content, parquet) for path, content in sorted(found.files.items())}
    told = _told(form, asked, found, {table: count for table, count in filtered.items() if count})
    told["files"] = {
        path: {"sha256": hashlib.sha256(files[path]).hexdigest(), "rows": rows_of(found.files[path])}
        for path in files
    }
    return {**files, EXPORT: _json(told)}


def _with_rows(tables: Tables) -> Tables:
    return {table: rows for table, rows in tables.items() if len(rows) or table in MAY_BE_EMPTY}


def _need(form: Format, tables: Tables, why: str) -> None:
    """Raises Refused by the name of the first table that a format needs and that is not there."""
    for table in form.needs:
        if table not in tables:
            hint = f": {WAITS_FOR[table]}" if table in WAITS_FOR else ""
            raise Refused(f"format {form.name} needs {table}, and {why}{hint}")


def _told(form: Format, asked: Asked, found: Made, filtered: Mapping[str, int]) -> dict[str, Any]:
    """`filtered`: rows of each table that did not pass; `left_out`: what the format has no place for."""
    return {
        "format": form.name.value,
        "as_of": asked.snapshot.as_of,
        "manifest_sha256": asked.snapshot.manifest_sha256,
        **options(form, asked),
        "filtered": dict(filtered),
        "left_out": {rule: count for rule, count in sorted(found.left_out.items()) if count},
    }


def options(form: Format, asked: Asked) -> dict[str, Any]:
    """What makes two exports of one snapshot differ, beside the format."""
    margin = {} if asked.margin_scale is None else {"margin_scale": asked.margin_scale}
    public = {"license": asked.license, "consent_basis": asked.consent_basis} if form.is_public else {}
    filters = asked.filters.model_dump(exclude_none=True)
    return {"version": form.version, "filters": filters, **margin, **public}


def _json(content: object) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()
