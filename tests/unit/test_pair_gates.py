"""What the gates see in preference pairs and on two sides: nothing in sound ones, and each plant alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from answers_world import answers, completion, reward_row, score
from measuring import Seen, by_name, changed, outside

from dft_pipeline.dataset.prompt_contexts import side
from dft_pipeline.policies import SIMILAR_WORDLLAMA, Training
from dft_pipeline.training.candidates import Answers
from dft_pipeline.training.pair_gates import LENGTH, PREFERENCE_GATES, measured_preferences
from dft_pipeline.training.pairs import Pairs, preference_pairs
from dft_pipeline.values.similarity import Floats

SIDES = {"train": "abortion", "test": "religion"}  # a prompt on each
TRAIN, TEST = SIDES["train"], SIDES["test"]


def embed(texts: Sequence[str]) -> Floats:
    """Texts that begin with the same word are alike; one that begins with `?` is like nothing."""
    words = sorted({text.split()[0] for text in texts})
    rows = [[float(word == text.split()[0] != "?") for word in words] for text in texts]
    return np.array(rows, np.float32).reshape(len(texts), len(words))


def row(value: int, of: str, **more: object) -> dict[str, object]:
    return reward_row(value, of) | {"prompt": f"{of} it is"} | more


def sound() -> tuple[Pairs, Answers]:
    """Two pairs of each prompt, one longer and one shorter."""
    completions, scores = [], []
    for prompt in SIDES.values():
        for name, executed in (("a", 1.0), ("b", 0.5), ("c", 0.0)):
            of = {"prompt_id": prompt, "fold": None, "prompt": f"{prompt} it is"}
            text = f"{prompt} {name}" + "!" * (3 if name == "b" else 0)
            completions.append(completion(f"{prompt} {name}", text=text, **of))
            scores.append(score(f"{prompt} {name}", 7, executed, executed, prompt_id=prompt))
    rows = [row(7, prompt) for prompt in SIDES.values()]
    of = answers(completions, scores, rows=rows)
    return preference_pairs(of, Training()), of


def seen(made: Pairs, of: Answers) -> Seen:
    return by_name(measured_preferences(made, of, embed, SIMILAR_WORDLLAMA, Training()))


MADE, OF = sound()
BEFORE = seen(MADE, OF)


def test_the_prompts_are_on_two_sides() -> None:
    assert {name: side(prompt) for name, prompt in SIDES.items()} == {name: name for name in SIDES}


def test_sound_pairs_are_within_all_bounds() -> None:
    assert len(MADE.preference_pairs) >= 4
    assert [one.gate.name for one in BEFORE.values()] == [gate.name for gate in PREFERENCE_GATES]
    assert outside(BEFORE) == set()
    assert {name: one.value for name, one in BEFORE.items() if one.value} == {}
    blocking = {gate.name for gate in PREFERENCE_GATES if gate.blocks}
    assert blocking == {one.name for one in PREFERENCE_GATES} - {"few_left_for_length"}


def planted(of: Answers = OF, made: Pairs = MADE) -> Seen:
    after = seen(made, of)
    assert outside(after) == {name for name in changed(BEFORE, after) if name != "few_left_for_length"}
    return after


def with_row(**more: object) -> Answers:
    added = answers(rows=[row(7, TEST, row_id="f" * 32, **more)]).reward_rows
    return OF._replace(reward_rows=OF.reward_rows.vstack(added))


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"prompt": "? another", "split": "train"}, (TEST,)),  # the same id
        ({"prompt": f"{TRAIN} it is", "prompt_id": "twin"}, (TRAIN, "twin")),  # the same words
    ],
)
def test_a_prompt_on_two_sides(more: dict[str, object], found: tuple[str, ...]) -> None:
    after = seen(MADE, with_row(**more))
    assert after["prompts_on_one_side"][1:3] == (len(found), found)
    assert "prompts_on_one_side" in outside(after)


def test_a_prompt_that_is_nearly_another_one() -> None:
    after = planted(with_row(prompt_id="near", prompt=f"{TRAIN} or nearly"))
    assert outside(after) == {"like_prompts_on_one_side"}
    assert after["like_prompts_on_one_side"][1:3] == (1, (f"{TRAIN} and near",))
    same_side = with_row(prompt_id="near", prompt=f"{TRAIN} or nearly", split="train")
    assert outside(planted(same_side)) == set()


@pytest.mark.parametrize("table", ["value_pairs", "completions"])
def test_prompts_of_every_table_are_looked_at(table: str) -> None:
    place = {"prompt_id": "near", "prompt": f"{TRAIN} or nearly", "split": "test"}
    rows = getattr(OF, table)
    if table == "completions":
        place |= {"completion_id": "z", "text": "z"}
    more = pl.concat([rows, pl.DataFrame([place])], how="diagonal_relaxed")
    assert outside(planted(OF._replace(**{table: more}))) == {"like_prompts_on_one_side"}


def test_a_text_on_two_sides_unless_it_is_set_aside() -> None:
    said = f"{TEST} A "  # but for case and white space
    there = pl.col("completion_id") == f"{TRAIN} c"
    text = pl.when(there).then(pl.lit(said)).otherwise("text")
    completions = OF.completions.with_columns(text=text)
    after = planted(OF._replace(completions=completions))
    assert outside(after) == {"completions_on_one_side"}
    assert after["completions_on_one_side"][1:3] == (1, (f"{TRAIN} c",))
    aside = completions.with_columns(set_aside_for=pl.when(there).then(pl.lit("leak")))
    assert outside(planted(OF._replace(completions=aside))) == set()


@pytest.mark.parametrize("row_ids", [[], ["0" * 32], [reward_row(7, TRAIN)["row_id"], "gone"]])
def test_a_pair_without_its_rows(row_ids: list[str]) -> None:
    first = MADE.preference_pairs.filter(prompt_id=TRAIN)["pair_id"][0]
    is_first = pl.col("pair_id") == first
    pairs = MADE.preference_pairs.with_columns(
        row_ids=pl.when(is_first).then(pl.lit(row_ids, pl.List(pl.String))).otherwise("row_ids")
    )
    after = planted(made=MADE._replace(preference_pairs=pairs))
    assert outside(after) == {"pairs_have_rows"}
    assert after["pairs_have_rows"][1:3] == (1, (first,))


@pytest.mark.parametrize(
    ("chosen", "rejected", "holds"), [(120, 100, False), (100, 120, False), (100, 100, True)]
)
def test_pairs_that_lean_to_one_length_block(chosen: int, rejected: int, holds: bool) -> None:
    pairs = MADE.preference_pairs.with_columns(
        chosen_length=pl.lit(chosen, pl.Int64), rejected_length=pl.lit(rejected, pl.Int64)
    )
    after = seen(MADE._replace(preference_pairs=pairs), OF)
    assert outside(after) == (set() if holds else {"length_correlation"})
    assert LENGTH.blocks
    assert after["length_correlation"].value == (None if holds else pytest.approx(1))


def test_the_bound_is_the_settings() -> None:
    strict = Training(max_length_correlation=0.1)
    (gate,) = {
        one.gate
        for one in measured_preferences(MADE, OF, embed, SIMILAR_WORDLLAMA, strict)
        if one.gate.name == LENGTH.name
    }
    assert gate == replace(LENGTH, high=0.1)


def test_the_lengths_of_each_reason_are_told_before_and_after() -> None:
    guided = [completion(f"g{value}", "guided", value, text="x" * 90) for value in (7, 20)]
    of = answers([completion("n", "naive", text="y" * 30), *guided])
    made = preference_pairs(of, Training())
    after = by_name(
        measured_preferences(
            made, of, lambda texts: np.eye(len(texts), dtype=np.float32), SIMILAR_WORDLLAMA, Training()
        )
    )
    assert after["length_correlation"].value is None, "none is left"
    assert after["length_correlation"].seen == "all +1.00 → none, naive +1.00 → none"
    assert (after["few_left_for_length"].value, outside(after)) == (1.0, {"few_left_for_length"})
