"""Preferences between completions, and the completions that are preferred: what TRL and chat APIs train on.

No column is ever null, nor a list empty: a JSON Lines file in which one is so throughout has other types
than a file in which it is not, and `datasets` refuses to open the two together.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import polars as pl

from dft_pipeline.formats.making import Asked, Limits, Made, Record, Refused, Tables, by_split
from dft_pipeline.training.moderation import normalised
from dft_pipeline.training.pairs import margin

TABLE = "preference_pairs"
# Trainers join a plain prompt and its completion as they stand.
PLAIN_END = "\n\n"
FEWEST_CHATS = 10  # examples in a training file, less are refused by OpenAI's fine-tuning
PROVENANCE = "provenance.jsonl"


class Shape(NamedTuple):
    """How a prompt and a completion are written."""

    prompt: Callable[[str], Any]
    completion: Callable[[str], Any]


CONVERSATIONAL = Shape(
    lambda text: [{"role": "user", "content": text}], lambda text: [{"role": "assistant", "content": text}]
)
PLAIN = Shape(lambda text: text + PLAIN_END, lambda text: text)


def preference(tables: Tables, asked: Asked) -> Made:
    """`<split>.jsonl`: prompt, chosen and rejected as lists of messages.

    `because` is what the pair rests on: an edge, a value, or all values of the prompt.
    """
    return _pairs("trl-preference", tables, asked, CONVERSATIONAL)


def preference_plain(tables: Tables, asked: Asked) -> Made:
    """`<split>.jsonl`: prompt, chosen and rejected as texts.

    Trainers join prompt and completion as they stand, so a prompt ends in an empty line.
    """
    return _pairs("trl-preference-plain", tables, asked, PLAIN)


def unpaired_preference(tables: Tables, asked: Asked) -> Made:
    """`<split>.jsonl`: a completion, and whether its text is the preferred one in every pair that has it.

    One that is preferred in one pair and not in another has no one label, and is left out (`either_way`).
    Completions of a prompt that say the same, but for case and white space, are one: that of the smallest id.
    """
    told, left_out = _labelled(tables[TABLE])
    rows = told.to_dicts()
    limits = Limits("trl-unpaired-preference")
    _check(limits, rows, ("completion",))
    limits.check_lengths(tables[TABLE], asked.snapshot.training.max_length_correlation)
    limits.hold()
    records = [{**_shaped(row, CONVERSATIONAL, ("completion",)), **_labels(row)} for row in rows]
    return Made(by_split(records, told["split"]), left_out)


def sft(tables: Tables, _: Asked) -> Made:
    """`<split>.jsonl`: a prompt and its best completion.

    The best is, of texts that some pair prefers and none rejects, the one with the highest reward; then, and
    where rewards are not known, the one that wins more pairs, then the smaller id. So whether a model's
    scores count is decided where pairs are made. A prompt all of whose completions are rejected somewhere is
    left out (`prompts_without_best`).
    """
    told, left_out = _best(tables[TABLE])
    rows = told.to_dicts()
    limits = Limits("trl-sft")
    _check(limits, rows, ("completion",))
    limits.hold()
    records = [{**_shaped(row, CONVERSATIONAL, ("completion",)), **_source(row)} for row in rows]
    return Made(by_split(records, told["split"]), left_out)


def chat(tables: Tables, _: Asked) -> Made:
    """`<split>.jsonl` with `messages` alone, for OpenAI's fine-tuning refuses other keys.

    The same examples as `trl-sft`; `provenance.jsonl` says of each line, by file and line, where it is from.
    Of limits that depend on a model, such as tokens, nothing is checked.
    """
    told, left_out = _best(tables[TABLE])
    rows = told.to_dicts()
    limits = Limits("chat-jsonl")
    _check(limits, rows, ("completion",))
    training = sum(row["split"] == "train" for row in rows)
    limits.check(f"at_least_{FEWEST_CHATS}_examples", training >= FEWEST_CHATS, f"train, with {training}")
    limits.hold()
    records = [_messages(row) for row in rows]
    return Made(by_split(records, told["split"]) | {PROVENANCE: _lines(rows)}, left_out)


def _pairs(form: str, tables: Tables, asked: Asked, shape: Shape) -> Made:
    pairs, left_out = tables[TABLE].sort("prompt_id", "pair_id"), {}
    if asked.margin_scale is not None:
        left_out = {"no_gap": pairs["gap"].null_count()}
        pairs = pairs.drop_nulls("gap")
        if pairs.is_empty():
            raise Refused(
                f"format {form}: no pair has a gap, so none can have a margin; leave out --margin-scale"
            )
    rows = pairs.to_dicts()
    limits = Limits(form)
    _check(limits, rows, ("chosen", "rejected"))
    for row in rows:
        limits.check("same_text_twice", row["chosen"] != row["rejected"], f"pair {row['pair_id']}")
    limits.check_lengths(pairs, asked.snapshot.training.max_length_correlation)
    limits.hold()
    ends = ("chosen", "rejected")
    records = [{**_shaped(row, shape, ends), **_margin(row, asked), **_why(row)} for row in rows]
    return Made(by_split(records, pairs["split"]), left_out)


def _shaped(row: Record, shape: Shape, completions: Iterable[str]) -> Record:
    return {"prompt": shape.prompt(row["prompt"])} | {
        name: shape.completion(row[name]) for name in completions
    }


def _margin(row: Record, asked: Asked) -> Record:
    logits = margin(row["gap"], asked.margin_scale)
    return {} if logits is None else {"margin": logits}


def _why(row: Record) -> Record:
    names = ("pair_id", "reason")
    told = {name: row[name] for name in names} | {"because": because(row)}
    ids = ("chosen_id", "rejected_id", "prompt_id", "row_ids")
    return told | {name: row[name] for name in (*ids, "value_split", "is_contested")}


def because(row: Record) -> str:
    """What a pair rests on, in words: the edge, the value, or all values of the prompt."""
    if row["edge_id"] is not None:
        return f"edge {row['edge_id']}"
    return "all values of the prompt" if row["value_id"] is None else f"value {row['value_id']}"


def _labels(row: Record) -> Record:
    return {"label": row["is_chosen"]} | _source(row)


def _source(row: Record) -> Record:
    return {name: row[name] for name in ("completion_id", "prompt_id", "pair_ids", "row_ids")}


def _ends(pairs: pl.DataFrame) -> pl.DataFrame:
    """A row per text of a prompt that some pair has: how often it is the preferred one, and how often not.

    Texts are the same but for case and white space; text and id are those of the smallest id.
    """
    shared = ("prompt_id", "prompt", "split", "pair_id", "row_ids")
    ends = [
        pairs.select(
            *shared,
            completion_id=f"{end}_id",
            completion=end,
            reward=f"{end}_reward",
            said=pl.col(end).map_elements(normalised, pl.String),
            is_chosen=pl.lit(end == "chosen"),
        )
        for end in ("chosen", "rejected")
    ]
    return (
        pl.concat(ends)
        .group_by("prompt_id", "prompt", "split", "said")
        .agg(
            pl.col("completion_id", "completion").sort_by("completion_id").first(),
            reward=pl.col("reward").max(),
            wins=pl.col("is_chosen").sum(),
            losses=(~pl.col("is_chosen")).sum(),
            pair_ids=pl.col("pair_id").unique().sort(),
            row_ids=pl.col("row_ids").explode().unique().sort(),
        )
        .sort("prompt_id", "completion_id")
    )


def _labelled(pairs: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """The texts that are always the preferred one, or never; others have no one label."""
    ends = _ends(pairs)
    told = ends.filter((pl.col("wins") == 0) | (pl.col("losses") == 0))
    return told.with_columns(is_chosen=pl.col("wins") > 0), {"either_way": len(ends) - len(told)}


def _best(pairs: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Of each prompt the best completion, as `sft` says; how many prompts have none."""
    ends = _ends(pairs)
    order = ("prompt_id", "reward", "wins", "completion_id")
    never_rejected = ends.filter(pl.col("losses") == 0)
    sorted_ = never_rejected.sort(order, descending=[False, True, True, False], nulls_last=True)
    best = sorted_.unique("prompt_id", keep="first", maintain_order=True)
    return best, {"prompts_without_best": ends["prompt_id"].n_unique() - len(best)}


def _messages(row: Record) -> Record:
    return {"messages": CONVERSATIONAL.prompt(row["prompt"]) + CONVERSATIONAL.completion(row["completion"])}


def _lines(rows: list[Record]) -> list[Record]:
    """Where each line of the files is from."""
    line: dict[str, int] = {}
    found = []
    for row in rows:
        line[row["split"]] = line.get(row["split"], 0) + 1
        found.append({"file": f"{row['split']}.jsonl", "line": line[row["split"]], **_source(row)})
    return sorted(found, key=lambda one: (one["file"], one["line"]))


def _check(limits: Limits, rows: Iterable[Record], completions: Iterable[str]) -> None:
    for row in rows:
        where = f"prompt {row['prompt_id']}"
        limits.check("blank_prompt", bool(row["prompt"].strip()), where)
        limits.check("no_provenance", bool(row["row_ids"]), where)
        for name in completions:
            limits.check(f"blank_{name}", bool(row[name].strip()), where)
