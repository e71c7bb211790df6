"""Completions that people load: which prompt each answers, what it says, and which take no part.

What belongs here: reading them. What moderation or the marks in their texts say is `training`'s.
"""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from dft_pipeline.values.setting_aside import Rule
from dft_pipeline.values.transcripts import HALF

ASSISTANT = "assistant"
PROMPTS = pl.Schema({"prompt_id": pl.String, "prompt": pl.String})


def known_prompts(cases: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Every prompt that may have completions, by cases and `further_prompts.user_turns`: PROMPTS."""
    of_cases = cases.select(prompt_id="id", prompt="question")
    return pl.concat([of_cases, turns.select(PROMPTS.names())]).cast(PROMPTS).sort("prompt_id")


def answered(completions: pl.DataFrame, prompts: pl.DataFrame) -> pl.DataFrame:
    """Admitted completions with `prompt_id` and the answer as `text`, whatever they were loaded as."""
    by_text = prompts.unique("prompt", keep="none").select("prompt", found="prompt_id")
    texts = [
        text if messages is None else answer(messages)
        for text, messages in completions.select("text", "messages").iter_rows()
    ]
    return (
        completions.with_columns(text=pl.Series(texts, dtype=pl.String))
        .join(by_text, on="prompt", how="left", maintain_order="left")
        .with_columns(prompt_id=pl.coalesce("promptId", "found"))
        .drop("found")
    )


def rules(completions: pl.DataFrame, prompts: pl.DataFrame) -> list[Rule]:
    """What sets loaded completions aside."""
    talks = completions.drop_nulls("messages").select("id", "messages")
    said = {completion: answer(messages) for completion, messages in talks.iter_rows()}
    unreadable = [one for one, words in said.items() if words is None]
    blank = [one for one, words in said.items() if words is not None and not words.strip()]
    texts = prompts.group_by("prompt").len()
    several, text = texts.filter(pl.col("len") > 1)["prompt"].implode(), pl.col("prompt")
    return [
        Rule("unknown_prompt", "promptId", ~pl.col("promptId").is_in(prompts["prompt_id"].implode())),
        Rule("unknown_prompt", "prompt", ~text.is_in(texts["prompt"].implode())),
        Rule("ambiguous_prompt", "prompt", text.is_in(several)),
        Rule("bad_messages", "messages", _is_one(unreadable)),
        Rule("blank_answer", "messages", _is_one(blank)),
        Rule("blank_answer", "text", pl.col("text").str.strip_chars() == ""),
    ]


def answer(messages: str) -> str | None:
    """What the assistant says last; None where that cannot be read, or somebody else has the last word."""
    try:
        found = json.loads(messages)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or not found or not all(isinstance(one, Mapping) for one in found):
        return None
    return _said_by_assistant(found[-1])


def _said_by_assistant(message: Mapping[str, Any]) -> str | None:
    content = message.get("content")
    is_text = message.get("role") == ASSISTANT and isinstance(content, str) and not HALF.search(content)
    return str(content) if is_text else None


def _is_one(ids: list[str]) -> pl.Expr:
    return pl.col("id").is_in(pl.Series(ids, dtype=pl.String).implode())
