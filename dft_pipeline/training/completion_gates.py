"""What completions must be like."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from dft_pipeline.dataset.gates import TEXT
from dft_pipeline.gates import DEFECT, Gate, Measured
from dft_pipeline.table_gates import examples
from dft_pipeline.training import moderation
from dft_pipeline.training.completions import World

IN_SNAPSHOT = Gate(
    "points_into_this_snapshot",
    "completions",
    "every completion names a prompt, and where it names them a row, value, edge and completion, of this "
    "snapshot",
    high=0,
    mend=DEFECT,
)
ONE_SIDE = Gate(
    "texts_on_one_side",
    "completions",
    "no text that takes part is on two sides",
    high=0,
    unit="texts",
    mend=DEFECT,
)
IMPERSONAL = Gate(
    "no_personal_text",
    "completions",
    "no text looks like an e-mail or web address, a telephone number or a recruitment id",
    high=0,
    mend=DEFECT,
)
IMPERSONAL_REQUESTS = replace(IMPERSONAL, asset="completion_requests", mend=TEXT)
ANSWERED = Gate(
    "questions_are_answered",
    "completion_requests",
    "the language model, where there is one, has answered every question about completions",
    high=0,
    blocks=False,
    unit="questions",
    mend="the next build asks again",
)
JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
COMPLETION_GATES = (IN_SNAPSHOT, ONE_SIDE, IMPERSONAL, IMPERSONAL_REQUESTS, ANSWERED)


def measured_completions(completions: pl.DataFrame, world: World) -> list[Measured]:
    """What the gates see of `completions`."""
    lost = _astray(completions, world)
    said = completions.filter(pl.col("set_aside_for").is_null()).select(
        "split", "completion_id", text=pl.col("text").map_elements(moderation.normalised, pl.String)
    )
    sides = said.group_by("text").agg(pl.col("split").n_unique(), pl.col("completion_id").min())
    torn = sides.filter(pl.col("split") > 1)["completion_id"].sort()
    personal = completions.filter(moderation.by_words().is_not_null())["completion_id"]
    return [
        Measured(IN_SNAPSHOT, len(lost), examples(lost)),
        Measured(ONE_SIDE, len(torn), examples(torn)),
        Measured(IMPERSONAL, len(personal), examples(personal)),
    ]


def measured_requests(requests: pl.DataFrame, has_model: bool) -> list[Measured]:
    """What the gates see of `completion_requests`."""
    counts = requests["prompt_name"].value_counts().sort("prompt_name")
    seen = ", ".join(f"{name} {count}" for name, count in counts.iter_rows())
    said = pl.DataFrame(list(_said(requests)), {"request_id": pl.String, "text": pl.String}, orient="row")
    personal = said.filter(moderation.by_words(["text"]).is_not_null())["request_id"].unique().sort()
    return [
        Measured(IMPERSONAL_REQUESTS, len(personal), examples(personal)),
        Measured(ANSWERED, len(requests) if has_model else None, seen=seen),
    ]


def _said(requests: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """The texts that each question is put of: a pattern would see the escapes of JSON as letters."""
    for request_id, request in requests.select("request_id", "request").iter_rows():
        data = json.loads(request)["messages"][-1]["content"]
        yield from ((request_id, json.loads(text)) for text in JSON_TEXT.findall(data))


def _astray(completions: pl.DataFrame, world: World) -> pl.Series:
    there = {
        "prompt_id": world.prompt_contexts["prompt_id"],
        "row_id": world.reward_rows["row_id"],
        "value_id": world.canonical_values["value_id"],
        "edge_id": world.wisdom_edges["edge_id"],
        "revises_id": completions["completion_id"],
    }
    lost = pl.any_horizontal(
        ~pl.col(name).is_in(ids.implode()).fill_null(True) for name, ids in there.items()
    )
    return completions.filter(lost)["completion_id"]
