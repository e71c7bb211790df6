"""How well answers to evaluation items are, by a plain reading; and what a file of answers may hold."""

import json
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import polars as pl
import pytest
import strategies as some
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.raw.reading import RefusedFile
from dft_pipeline.training.baselines import half
from dft_pipeline.training.evaluation import (
    FEWEST_PROMPTS,
    Score,
    Whole,
    bootstrapped,
    choice_and_edge_scores,
    execution_score,
    expected_overlap,
    held_out,
    outcomes,
    overlap,
)
from dft_pipeline.training.evaluation_answers import UNANSWERED, UNREADABLE, Answer, Said, read_answers, said
from dft_pipeline.training.scores import Asked
from dft_pipeline.training.scores import Said as Judged

Row = dict[str, Any]
VALUES = (1, 2, 3, 4)
WORDS = {1: "calm calm calm", 2: "truth", 3: "care and more care", 4: "law"}


def embed(texts: Any) -> Any:
    """How often each of four words stands in a text, at length 1."""
    counts = np.array(
        [[text.count(word) for word in ("calm", "truth", "care", "law")] for text in texts], np.float32
    )
    lengths = np.linalg.norm(counts, axis=1, keepdims=True)
    return np.divide(counts, lengths, out=np.zeros_like(counts), where=lengths > 0)


def item(name: str, kind: str, **more: object) -> Row:
    return {
        "item_id": name,
        "kind": kind,
        "prompt_id": "p",
        "prompt": "Is truth all?",
        "context_id": None,
        "options": [],
        "answer_value_ids": [],
        "split": "test",
        "fold": None,
        **more,
    }


def choice(name: str, options: list[int], right: list[int], prompt: str = "p") -> Row:
    return item(name, "value_choice", options=options, answer_value_ids=right, prompt_id=prompt)


def edge(name: str, options: list[int], right: int, prompt: str = "p") -> Row:
    return item(name, "edge", options=options, answer_value_ids=[right], prompt_id=prompt)


def whole(rubric: list[Row] | None = None) -> Whole:
    values = [
        {"value_id": value, "title": "V", "instructions_detailed": WORDS[value], "criteria": [WORDS[value]]}
        for value in VALUES
    ]
    votes = [some.vote(some.PEOPLE[place], value) for value in VALUES for place in range(value)]
    unvoted = [some.vote(some.PEOPLE[9], 1, is_vote=False)] * 5
    nodes = [{"scope": "all", "value_id": value, "pagerank": 1 / value} for value in VALUES]
    elsewhere = [{"scope": "case:p", "value_id": 4, "pagerank": 0.9}]
    rubric = rubric or []
    reward = [
        {"row_id": f"{row['value_id']:032x}", "prompt_id": row["prompt_id"], "value_id": row["value_id"]}
        | {"share": 0.5, "context_score": 1.0}
        for row in rubric
    ]
    return Whole(
        some.frame("reward_rows", reward).unique("row_id", maintain_order=True),
        some.frame("rubric_rows", rubric),
        some.frame("canonical_values", values),
        some.frame("graph_values", nodes + elsewhere),
        some.frame("votes", votes + unvoted),
    )


def answered(*values: int, why: str | None = None) -> Said:
    return Said("answered", frozenset(values), why=why)


def scored(items: list[Row], answers: Mapping[str, Said]) -> dict[tuple[str, str, str], Score]:
    every = choice_and_edge_scores(items, answers, whole(), embed, seed=0)
    return {(score.kind, score.metric, score.by): score for score in every}


ITEMS = [
    choice("a", [1, 2, 3, 4], [1, 2]),
    choice("b", [4, 3], [3], "q"),
    edge("c", [1, 2], 2),
    edge("d", [4, 3], 3),
    edge("e", [2, 4], 2, "q"),
]
PERFECT = {one["item_id"]: answered(*one["answer_value_ids"]) for one in ITEMS}


def test_perfect_answers_have_1_and_none_have_0() -> None:
    best, worst = scored(ITEMS, PERFECT), scored(ITEMS, dict.fromkeys(PERFECT, UNANSWERED))
    for metric in ("precision", "recall", "f1"):
        assert best["value_choice", metric, "answers"].value == 1
        assert worst["value_choice", metric, "answers"].value == 0
    assert best["edge", "accuracy", "answers"].value == 1
    assert worst["edge", "accuracy", "answers"].value == 0
    assert ("edge", "reason", "answers") not in worst, "nobody gave a reason"


def test_answers_that_are_partly_right() -> None:
    given = PERFECT | {"a": answered(1, 3, 4), "d": answered(4), "e": UNREADABLE}
    found = scored(ITEMS, given)
    assert found["value_choice", "precision", "answers"].value == pytest.approx((1 / 3 + 1) / 2)
    assert found["value_choice", "recall", "answers"].value == pytest.approx((1 / 2 + 1) / 2)
    assert found["value_choice", "f1", "answers"].value == pytest.approx((2 / 5 + 1) / 2)
    accuracy = found["edge", "accuracy", "answers"]
    assert (accuracy.value, accuracy.items, accuracy.prompts) == (pytest.approx(1 / 3), 3, 2)
    # Wilson's interval of 1 in 3, by the textbook's formula.
    assert (accuracy.low, accuracy.high) == (pytest.approx(0.0615, abs=1e-4), pytest.approx(0.7923, abs=1e-4))
    assert accuracy.interval == "wilson"


def test_baselines_choose_what_they_say() -> None:
    """Of four options two: the longest are 3 and 1, most votes have 4 and 3, the highest pagerank 1 and 2."""
    found = scored(ITEMS, PERFECT)
    one, none, both = 0.5, 0.0, 1.0
    expected = {"longest": (one, both), "votes": (none, none), "pagerank": (both, both)}
    for name, (first, second) in expected.items():
        assert found["value_choice", "recall", name].value == mean((first, second)), name
    # Which is longer, has more votes, a higher pagerank: [1, 2], [4, 3], [2, 4].
    longest, votes, pagerank = ((0, 1, 1), (1, 0, 0), (0, 1, 1))
    for name, right in {"longest": longest, "votes": votes, "pagerank": pagerank}.items():
        assert found["edge", "accuracy", name].value == pytest.approx(mean(right)), name
    # The prompt speaks of truth; of values that are alike, the first option goes first.
    assert found["edge", "accuracy", "similarity"].value == pytest.approx(2 / 3)
    assert found["value_choice", "recall", "everything"].value == 1
    assert found["value_choice", "precision", "everything"].value == 0.5
    assert found["edge", "accuracy", "chance"].value == 0.5


@given(st.integers(1, 6), st.data())
def test_chance_is_the_mean_over_all_choices(options: int, data: st.DataObject) -> None:
    right = frozenset(range(data.draw(st.integers(1, options))))
    chosen = data.draw(st.integers(1, options))
    every = [overlap(frozenset(some), right) for some in combinations(range(options), chosen)]
    assert expected_overlap(chosen, len(right), options) == pytest.approx(
        tuple(mean(one[place] for one in every) for place in range(3))
    )


def test_chance_chooses_half_of_the_options() -> None:
    assert [half({"options": list(range(number))}) for number in (1, 2, 3, 4)] == [1, 1, 1, 2]
    found = scored(ITEMS, PERFECT)
    assert found["value_choice", "f1", "chance"] == Score(
        "value_choice", "f1", "chance", 0.5, None, None, None, 2, 2
    )


def test_a_reason_is_nearer_to_one_of_the_two() -> None:
    given = PERFECT | {
        "c": answered(2, why="the truth"),
        "d": answered(3, why="it is the law, and care"),
        "e": answered(2, why="law"),
    }
    reason = scored(ITEMS, given)["edge", "reason", "answers"]
    assert (reason.value, reason.items) == (pytest.approx(1 / 3), 3), "as near to both is no nearer"


@given(st.lists(st.tuples(st.sampled_from("pqrstu"), st.floats(0, 1)), min_size=2, max_size=20))
def test_an_interval_is_that_of_prompts_drawn_anew(rows: list[tuple[str, float]]) -> None:
    """Against the same draws, made one by one; with one prompt there is none."""
    prompts = sorted({prompt for prompt, _ in rows})
    found = bootstrapped([prompt for prompt, _ in rows], [value for _, value in rows], seed=3)
    if len(prompts) == 1:
        assert found is None
        return
    means = []
    for draw in np.random.default_rng(3).integers(0, len(prompts), (1_000, len(prompts))):
        values = [value for place in draw for prompt, value in rows if prompt == prompts[place]]
        means.append(sum(values) / len(values))
    assert found == pytest.approx(tuple(np.quantile(means, (0.025, 0.975))))


@pytest.mark.parametrize(
    ("prompts", "way"), [(FEWEST_PROMPTS, "prompts"), (FEWEST_PROMPTS - 1, "items"), (1, None)]
)
def test_what_is_drawn_anew(prompts: int, way: str | None) -> None:
    items = [choice(f"i{place}", [1, 2], [1], f"p{place}") for place in range(prompts)]
    found = scored(items, {one["item_id"]: answered(1) for one in items})
    score = found["value_choice", "f1", "answers"]
    assert (score.interval, score.prompts) == (way, prompts)
    assert (score.low, score.high) == ((None, None) if way is None else (1, 1))


RUBRIC = [
    {"prompt_id": "p", "prompt": "Is truth all?", "value_id": value, "criterion_index": place}
    | {"criterion": criterion, "weight": weight, "row_ids": []}
    for value, place, criterion, weight in ((1, 0, "CALM", 0.3), (1, 1, "TRUTH", 0.3), (2, 0, "CARE", 0.4))
]


def word_judge(asked: Any) -> list[list[Judged] | None]:
    """A criterion is met where the answer has its word; of an answer with `?` nothing is said."""
    return [
        None
        if "?" in one.answer
        else [Judged(criterion in one.answer, 3, "", "j", "judge-1", "0" * 64) for criterion in one.criteria]
        for one in asked
    ]


def test_an_execution_is_worth_what_its_met_criteria_weigh() -> None:
    """CALM and CARE: 0.3 + 0.4; no answer: 0; and one of which the judge says nothing is left out."""
    items = [item(name, "execution", prompt_id="p") for name in ("a", "b", "c")]
    texts = {"a": Said("answered", text="CALM and CARE"), "b": UNREADABLE, "c": Said("answered", text="?")}
    score = execution_score(items, texts, whole(RUBRIC), word_judge, seed=0)
    assert (score.value, score.items) == (pytest.approx(0.35), 2)
    silent = execution_score(items[2:], texts, whole(RUBRIC), word_judge, seed=0)
    assert (silent.value, silent.items) == (None, 0)


def test_the_judge_is_asked_once_an_answer() -> None:
    seen: list[Asked] = []

    def judge(asked: Any) -> list[None]:
        seen.extend(asked)
        return [None for _ in asked]

    items = [item(name, "execution", prompt_id="p") for name in ("a", "b")]
    execution_score(items, {"a": Said("answered", text="x"), "b": UNANSWERED}, whole(RUBRIC), judge, seed=0)
    assert seen == [Asked("Is truth all?", "x", ("CALM", "CARE", "TRUTH"))]


def test_outcomes_count_every_item_once() -> None:
    told = outcomes(ITEMS, PERFECT | {"a": UNREADABLE, "d": UNANSWERED})
    assert told["value_choice"] == {"items": 2, "answered": 1, "unanswered": 0, "unreadable": 1}
    assert told["edge"] == {"items": 3, "answered": 2, "unanswered": 1, "unreadable": 0}
    assert told["execution"] == {"items": 0, "answered": 0, "unanswered": 0, "unreadable": 0}


def test_a_fold_or_a_side_is_held_out() -> None:
    rows = [("a", "test", 0), ("b", "test", 1), ("c", "train", 0)]
    items = pl.DataFrame(rows, ["item_id", "split", "fold"], orient="row")
    assert held_out(items, "test", None)["item_id"].to_list() == ["a", "b"]
    assert held_out(items, "test", 0)["item_id"].to_list() == ["a", "c"]


# What is said

OPTIONS = [10, 20, 30]


@pytest.mark.parametrize(
    ("answer", "values"),
    [
        ("A", {10}),
        ("b.", {20}),
        ("(C)", {30}),
        ("A, C", {10, 30}),
        ("A;B C", {10, 20, 30}),
        ("20", {20}),
        (20, {20}),
        ([10, "B"], {10, 20}),
        ('["A", 30]', {10, 30}),
        ("[10, 20]", {10, 20}),
        ("A and B", {10, 20}),
        ("**A**, (B) and C.\nEach is calm.", {10, 20, 30}),
        ('{"answer": ["A", "C"]}', {10, 30}),
        ([], set()),
    ],
)
def test_values_are_named_by_letter_or_id(answer: object, values: set[int]) -> None:
    found = said(choice("a", OPTIONS, [10]), Answer(answer, None))
    assert (found.outcome, found.value_ids) == ("answered", values)


@pytest.mark.parametrize(
    "answer",
    [
        "D",
        "A or B",
        "A. Calm, C. Truth",
        "A calm answer\nB",
        "40",
        '{"A": 1}',
        "{",
        "[10",
        True,
        [None],
        {"A": 1},
        10.5,
        [[10]],
    ],
)
def test_what_names_anything_else_is_unreadable(answer: object) -> None:
    assert said(choice("a", OPTIONS, [10]), Answer(answer, None)) == UNREADABLE


@pytest.mark.parametrize("answer", [None, "", "  \n"])
def test_an_empty_answer_is_none(answer: str | None) -> None:
    for one in (choice("a", OPTIONS, [10]), edge("b", [1, 2], 1), item("c", "execution")):
        assert said(one, Answer(answer, "because")) == UNANSWERED
        assert said(one, None) == UNANSWERED


def test_an_edge_has_one_answer() -> None:
    asked = edge("a", [1, 2], 1)
    assert said(asked, Answer("A B", None)) == UNREADABLE
    assert said(asked, Answer([], None)) == UNREADABLE
    assert said(asked, Answer("A", " ")) == answered(1)
    assert said(asked, Answer("A", "care")) == answered(1, why="care")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("B. because it is true", "because it is true"),
        ("**B**", None),
        ("**B.** It is true.", "It is true."),
        ("B\n\nIt is true. A is not.", "It is true. A is not."),
        ("B) It is true.", "It is true."),
        ("B: true", "true"),
        ("B – true", "true"),
        ("B because it is true", "because it is true"),
        ("B. Promises Spoken Of Openly", "Promises Spoken Of Openly"),
        ('{"answer": "B", "why": "true"}', "true"),
        ({"answer": "B"}, None),
    ],
)
def test_a_letter_leads_and_the_reason_follows(answer: object, why: str | None) -> None:
    asked = edge("a", [1, 2], 1)
    assert said(asked, Answer(answer, None)) == answered(2, why=why)
    assert said(asked, Answer(answer, "care")) == answered(2, why="care"), "its own column goes first"


@pytest.mark.parametrize(
    "answer",
    ["A calm answer is wiser, so B", "It is B.", "A and B", "A) and B) are fine", "A\nB", "a calm one", "C."],
)
def test_prose_is_no_answer(answer: str) -> None:
    assert said(edge("a", [1, 2], 1), Answer(answer, None)) == UNREADABLE


def test_an_execution_is_any_text() -> None:
    asked = item("a", "execution")
    assert said(asked, Answer("[Yes.", None)) == Said("answered", text="[Yes.")
    assert said(asked, Answer(7, None)) == UNREADABLE
    assert said(asked, Answer("\udcff", None)) == UNREADABLE, "its bytes are no UTF-8"


def test_answers_are_read_from_any_table_file(tmp_path: Path) -> None:
    rows = [{"item_id": "a", "answer": '["A"]', "why": None}, {"item_id": "b", "answer": "B", "why": "care"}]
    expected = {row["item_id"]: Answer(row["answer"], row["why"]) for row in rows}
    frame = pl.DataFrame(rows)
    frame.write_parquet(tmp_path / "answers.parquet")
    frame.write_csv(tmp_path / "answers.csv")
    (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for name in ("answers.parquet", "answers.csv", "answers.jsonl"):
        assert read_answers(tmp_path / name, {"a", "b", "c"}) == expected, name


@pytest.mark.parametrize(
    ("lines", "trouble"),
    [
        (['{"item_id": "z", "answer": "A"}'], "row 1, item_id: z is no item of the snapshot"),
        (['{"item_id": ["a"], "answer": "A"}'], r"row 1, item_id: \['a'\] is no item of the snapshot"),
        (['{"item_id": "a", "answer": "A"}'] * 2, "row 2, item_id: a is answered twice"),
        (['{"item_id": "a"}'], "row 1: without the column answer"),
        (['{"item_id": "a", "answer": "A", "why": 3}'], "row 1, why: a text was expected"),
        (["[]"], "row 1: "),
        (["{"], "a.jsonl: |row 1: "),
    ],
)
def test_a_file_is_refused_by_row_and_column(tmp_path: Path, lines: list[str], trouble: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join(lines))
    with pytest.raises(RefusedFile, match=trouble):
        read_answers(file, {"a"})
    with pytest.raises(RefusedFile, match="its name ends in none of"):
        read_answers(tmp_path / "a.txt", {"a"})
