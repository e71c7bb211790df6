"""Prompts beside the cases: the user turns that f is asked about, and which prompts take no part.

What belongs here: reading texts and message lists. What applies to a turn is `dataset.moral_similarity`'s.
"""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from dft_pipeline.raw.tables import TURN_MARK
from dft_pipeline.values import loaded_completions
from dft_pipeline.values.loaded_completions import known_prompts
from dft_pipeline.values.setting_aside import Rule
from dft_pipeline.values.transcripts import HALF

USER = "user"
TURNS = pl.Schema(
    {"source_prompt_id": pl.String, "turn_index": pl.Int64, "prompt_id": pl.String, "prompt": pl.String}
)


def user_turns(prompts: pl.DataFrame) -> pl.DataFrame:
    """Each user turn of admitted prompts as a prompt of its own: columns of TURNS, sorted by prompt_id.

    A text is a prompt under its own id; turn 2 of the conversation `a` is `a#2`, the third of its user turns.
    """
    rows: list[tuple[str, int | None, str, str]] = []
    for prompt_id, text, messages in prompts.select("id", "text", "messages").iter_rows():
        if messages is None:
            rows.append((prompt_id, None, prompt_id, text))
        else:
            said = enumerate(_said(messages) or [])
            rows += [(prompt_id, turn, f"{prompt_id}{TURN_MARK}{turn}", words) for turn, words in said]
    return pl.DataFrame(rows, TURNS, orient="row").sort("prompt_id")


def rules(name: str, rows: pl.DataFrame, admitted: Mapping[str, pl.DataFrame]) -> list[Rule]:
    """What else sets rows of the project's own tables aside; `admitted` are the tables before it."""
    match name:
        case "furtherPrompt":
            return _of_prompts(rows, admitted["case"]["id"])
        case "contextLabel":
            known = user_turns(admitted["furtherPrompt"]).select(_turn("source_prompt_id", "turn_index"))
            there = _turn("promptId", "turnIndex").is_in(known.to_series().implode())
            return [Rule("unknown_turn", "turnIndex", ~there)]
        case "completion":
            turns = user_turns(admitted["furtherPrompt"])
            return loaded_completions.rules(rows, known_prompts(admitted["case"], turns))
        case _:
            return []


def _of_prompts(prompts: pl.DataFrame, cases: pl.Series) -> list[Rule]:
    said = {row[0]: _said(row[1]) for row in prompts.drop_nulls("messages")["id", "messages"].iter_rows()}
    silent = [prompt_id for prompt_id, turns in said.items() if turns == []]
    blank = [prompt_id for prompt_id, turns in said.items() if turns and not all(map(str.strip, turns))]
    # A turn's id must be no case's either.
    begun = cases.str.split(TURN_MARK).list.first()
    return [
        Rule("id_of_a_case", "id", pl.col("id").is_in(pl.concat([cases, begun]).implode())),
        Rule("bad_messages", "messages", _is_one([one for one, turns in said.items() if turns is None])),
        Rule("no_user_turn", "messages", _is_one(silent)),
        Rule("blank_prompt", "messages", _is_one(blank)),
        Rule("blank_prompt", "text", pl.col("text").str.strip_chars() == ""),
    ]


def _is_one(ids: list[str]) -> pl.Expr:
    return pl.col("id").is_in(pl.Series(ids, dtype=pl.String).implode())


def _turn(prompt: str, turn: str) -> pl.Expr:
    """A turn by what labels call it: without a number, the first."""
    return pl.format("{}#{}", prompt, pl.col(turn).fill_null(0))


def _said(messages: str) -> list[str] | None:
    """What the user says, turn by turn; None where that cannot be read."""
    try:
        found = json.loads(messages)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or not all(map(_is_message, found)):
        return None
    return [message["content"] for message in found if message["role"] == USER]


def _is_message(found: Any) -> bool:
    """Others than the user may have no content: an assistant that calls a function says nothing."""
    if not isinstance(found, dict) or not isinstance(found.get("role"), str):
        return False
    content = found.get("content")
    if content is None:
        return str(found["role"]) != USER
    return isinstance(content, str) and not HALF.search(content)
