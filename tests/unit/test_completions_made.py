"""Completions: which are wanted, what becomes of each, and which are set aside, on small made-up tables."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from dft_pipeline.policies import Training, snapshot_settings
from dft_pipeline.tables import TABLES
from dft_pipeline.training import moderation
from dft_pipeline.training.answers import ANSWERS, AnswerToModerate
from dft_pipeline.training.asking import About, Ask, Asked, requests
from dft_pipeline.training.completion_gates import measured_completions, measured_requests
from dft_pipeline.training.completions import World, completions
from dft_pipeline.training.marks import mark
from dft_pipeline.training.wishes import Wish, wishes
from dft_pipeline.values.answers import CardText
from dft_pipeline.values.withdrawal import told, was_told

WRITES = Training(writes=True, judges=True)
SIDES = {"p1": "train", "p2": "test", "p3": "validation"}
LOADED = pl.Schema(
    {
        "id": pl.String,
        "prompt_id": pl.String,
        "text": pl.String,
        "model": pl.String,
        "source": pl.String,
        "isSynthetic": pl.Boolean,
    }
)


def filled(table: str, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a table; what they do not say is null."""
    schema = TABLES[table].schema
    return pl.DataFrame([{**dict.fromkeys(schema), **row} for row in rows], schema)


def reward(
    prompt: str, value: int, share: float, edges: Sequence[str] = (), context: str | None = None
) -> Any:
    return {
        "row_id": f"{prompt}{value}{context}".encode().hex().ljust(32, "0")[:32],
        "prompt_id": prompt,
        "prompt": f"What of {prompt}?",
        "context_id": context,
        "context_score": 0.5 if context else 1.0,
        "value_id": value,
        "share": share,
        "edge_ids": list(edges),
        "split": SIDES[prompt],
    }


def value(number: int, criteria: int = 2) -> Any:
    texts = {name: f"{name} of {number}" for name in ("title", "instructions_short", "instructions_detailed")}
    return {"value_id": number, **texts, "criteria": [f"THING {number}.{place}" for place in range(criteria)]}


def edge(source: int, wiser: int, marked_wiser: int) -> Any:
    ends = {"source_value_id": source, "wiser_value_id": wiser}
    return {"edge_id": f"all|{source}|{wiser}", **ends, "marked_wiser": marked_wiser}


ROWS = [
    reward("p1", 1, 0.5, ["all|3|1", "all|4|1"]),
    reward("p1", 1, 0.9, ["all|5|1"], context="When sad"),
    reward("p1", 2, 0.6),
    reward("p2", 2, 0.4, ["all|9|2"]),
]
EDGES = [edge(3, 1, 2), edge(4, 1, 7), edge(5, 1, 9), edge(9, 2, 3)]
VALUES = [*map(value, (1, 2, 3, 4, 5)), value(9, criteria=0)]
CONTEXTS = [
    *({"prompt_id": one, "prompt": f"What of {one}?", "kind": "case"} for one in ("p1", "p2", "p3")),
    {"prompt_id": "far", "prompt": "Bread?", "kind": "out_of_graph"},
    {"prompt_id": "like", "prompt": "What of p1??", "kind": "leak"},
    {"prompt_id": "like", "prompt": "What of p1??", "kind": "case"},
    {"prompt_id": "mine", "prompt": None, "kind": "personal_text"},
]


def world(rows: Sequence[Any] = ROWS) -> World:
    return World(
        prompt_contexts=filled("prompt_contexts", CONTEXTS),
        reward_rows=filled("reward_rows", rows),
        wisdom_edges=filled("wisdom_edges", EDGES),
        canonical_values=filled("canonical_values", VALUES),
        contexts=pl.Series(["When sad"]),
    )


def wanted(rows: Sequence[Any] = ROWS, seed: int = 0) -> list[Wish]:
    of = world(rows)
    return wishes(of.reward_rows, of.wisdom_edges, of.canonical_values, seed)


def model(
    silent: Sequence[str] = (), refused: Sequence[str] = (), **says: Any
) -> tuple[Ask, list[tuple[str, Any]]]:
    """A model that says what it was given, or what `says` has by the prompt's name; and what it was asked."""
    heard: list[tuple[str, Any]] = []

    def ask(name: str, items: Sequence[BaseModel]) -> Sequence[Asked]:
        return [answered(name, item.model_dump(mode="json")) for item in items]

    def answered(name: str, data: Any) -> Asked:
        heard.append((name, data))
        content = f"<data>\n{json.dumps(data, ensure_ascii=False)}\n</data>"
        text = json.dumps({"model": name, "messages": [{"content": content}]})
        said = (
            None
            if name in (*silent, *refused)
            else ANSWERS[name].model_validate(says.get(name) or words(name, data))
        )
        request_id = hashlib.sha256(text.encode()).hexdigest()
        return Asked(said, name in refused, request_id, name, 1, "m", "{}", text)

    return ask, heard


def words(name: str, data: Any) -> Any:
    match name:
        case "naive_answer":
            return {"text": f"Naively: {data['prompt']}"}
        case "guided_answer":
            text = f"By {data['value']['title']}: {data['prompt']}"
            criterion = data["value"]["evaluation_criteria"][0]
            return {"text": text, "marked": mark(text, data["context"], criterion)}
        case "revise_answer":
            return {"critique": "Wanting.", "revision": f"Better: {data['text']}"}
        case _:
            return {"reason": "Rude.", "verdict": "flagged" if "rude" in data["text"] else "fine"}


def loaded(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """Loaded completions: id, prompt, text."""
    return pl.DataFrame([(*row, None, "elsewhere", None) for row in rows], LOADED, orient="row")


def made(*rows: tuple[str, str, str], settings: Training = WRITES, ask: Ask | None = None) -> pl.DataFrame:
    return completions(loaded(*rows), world(), settings, ask or model()[0]).completions


# What is wanted


def test_each_kind_is_wanted_as_often_as_the_rows_say() -> None:
    found = [(one.kind, one.prompt_id, one.value_id, one.edge_id, one.context) for one in wanted()]
    drawn = {one.prompt_id: one.value_id for one in wanted() if one.kind == "shuffled"}
    assert found == [
        ("guided", "p1", 1, None, ""),
        ("guided", "p1", 2, None, ""),
        ("guided", "p2", 2, None, ""),
        ("less_wise", "p1", 4, "all|4|1", ""),
        ("naive", "p1", None, None, ""),
        ("naive", "p2", None, None, ""),
        ("revision", "p1", 2, None, ""),
        ("revision", "p2", 2, None, ""),
        ("shuffled", "p1", drawn["p1"], None, ""),
        ("shuffled", "p2", drawn["p2"], None, ""),
    ], "0.9 · 0.5 in the context is less than 0.5 · 1, and what has no criteria guides nothing"
    assert drawn["p1"] in {3, 4, 5}
    assert drawn["p2"] in {1, 3, 4, 5}


@given(st.integers(0, 50))
def test_what_is_drawn_depends_on_seed_and_prompt_alone(seed: int) -> None:
    def drawn(rows: Sequence[Any]) -> dict[str, int | None]:
        return {one.prompt_id: one.value_id for one in wanted(rows, seed) if one.kind == "shuffled"}

    both = drawn(ROWS)
    assert drawn(ROWS[::-1]) == both
    assert drawn(ROWS[3:]) == {"p2": both["p2"]}
    assert wanted(ROWS[::-1], seed) == wanted(ROWS, seed)


def test_a_value_that_is_in_every_value_leaves_nothing_to_draw() -> None:
    every = [reward("p1", number, 0.5) for number in (1, 2, 3, 4, 5)]
    assert not any(one.kind == "shuffled" for one in wanted(every))
    assert wanted([]) == []


def test_seeds_draw_differently() -> None:
    drawn = {tuple(one.value_id for one in wanted(seed=seed) if one.kind == "shuffled") for seed in range(20)}
    assert len(drawn) > 3


# What is asked


def test_naive_answers_are_asked_for_without_values_and_revisions_of_naive_ones() -> None:
    ask, heard = model()
    found = made(ask=ask)
    naive = [data for name, data in heard if name == "naive_answer"]
    assert naive == [{"prompt": "What of p1?"}, {"prompt": "What of p2?"}]
    revised = [data["text"] for name, data in heard if name == "revise_answer"]
    assert revised == found.filter(kind="naive").sort("prompt_id")["text"].to_list()
    assert len(found) == len(wanted())
    assert found["completion_id"].n_unique() == len(found)


def test_a_less_wise_completion_has_the_row_of_the_wiser_value() -> None:
    found = made()
    (row,) = found.filter(kind="less_wise").iter_rows(named=True)
    guided = found.filter(kind="guided", prompt_id="p1", value_id=1)["row_id"].item()
    assert (row["value_id"], row["edge_id"], row["row_id"]) == (4, "all|4|1", guided)
    assert "title of 4" in row["text"]
    assert row["marked_text"] == mark(row["text"], "", "THING 4.0")


def test_a_written_completion_that_is_loaded_again_stands_once() -> None:
    before = made()
    (row,) = before.filter(kind="naive", prompt_id="p1").iter_rows(named=True)
    assert made((row["completion_id"], "p1", row["text"])).equals(before)


def test_what_has_no_answer_is_a_request_and_no_row() -> None:
    ask, _ = model(silent=["naive_answer", "moderate"])
    found = completions(loaded(("a", "p1", "Yes.")), world(), WRITES, ask)
    assert set(found.completions["kind"]) == {"loaded", "guided", "less_wise", "shuffled"}
    asked = found.requests.select("prompt_name", "prompt_id", "completion_id").rows()
    assert {("naive_answer", "p1", None), ("naive_answer", "p2", None)} < set(asked)
    assert ("moderate", "p1", "a") in asked
    assert not any(name == "revise_answer" for name, _, _ in asked), "nothing is there to revise"
    assert set(found.completions["moderated_by"]) == {"words-1"}


def test_without_the_wish_nothing_is_written_and_without_a_judge_nothing_asked() -> None:
    ask, heard = model()
    found = completions(loaded(("a", "p1", "Yes.")), world(), Training(judges=True), ask)
    assert [name for name, _ in heard] == ["moderate"]
    assert found.completions["completion_id"].to_list() == ["a"]
    quiet = completions(loaded(("a", "p1", "Yes.")), world(), Training(), None)
    assert quiet.completions["moderated_by"].to_list() == ["words-1"]
    assert quiet.requests.is_empty()


def test_the_wish_stands_without_a_model() -> None:
    def training(**said: bool) -> tuple[bool, bool]:
        found = snapshot_settings(**said).training  # type: ignore[arg-type]
        return found.writes, found.judges

    assert training() == (False, False)
    assert training(has_model=True) == (False, True)
    assert training(writes_completions=True) == (True, False)


def test_a_withdrawal_finds_what_was_asked_about_a_card() -> None:
    ask, heard = model()
    made(ask=ask)
    card = next(one.card for one in wanted() if one.value_id == 4)
    assert isinstance(card, CardText)
    known = told([tuple(card.model_dump().values())], [])
    about = {name for name, data in heard if was_told(json.dumps(data), known)}
    assert about == {"guided_answer"}
    assert all("title of 4" in str(data) for name, data in heard if was_told(json.dumps(data), known))


# What is set aside


def test_each_reason_has_its_name() -> None:
    rows = [
        ("fine", "p1", "Yes."),
        ("mail", "p1", "Write to ann@example.org or call +44 20 7946 0958."),
        ("rude", "p1", "A rude word."),
        ("broken", "p1", 'An end of <value context="x">'),
        ("none", "p3", "Of a prompt for which nothing was chosen."),
        ("far", "far", "Bread."),
        ("like", "like", "Yes, like it."),
        ("mine", "mine", "To me."),
    ]
    found = completions(loaded(*rows), world(), Training(judges=True), model()[0]).completions
    why = dict(found.select("completion_id", "set_aside_for").rows())
    assert why == {
        "fine": None,
        "mail": "flagged: e-mail address, telephone number",
        "rude": "flagged: Rude.",
        "broken": "flagged: unreadable marks",
        "none": "no_rows: no_value",
        "far": "no_rows: out_of_graph",
        "like": "no_rows: leak",
        "mine": "no_rows: personal_text",
    }
    without_text = set(found.filter(pl.col("text").is_null())["completion_id"])
    assert without_text == {"mail", "mine"}, "what looks personal is nowhere, and what answers it neither"
    assert found.filter(completion_id="mine")["prompt"].item() is None


def test_what_is_set_aside_is_shown_to_no_model() -> None:
    ask, heard = model()
    made(("mail", "p1", "ann@example.org"), ("far", "far", "Bread."), settings=Training(judges=True), ask=ask)
    assert heard == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Write to jo@example.org for help", "flagged: e-mail address"),
        ('Ask <value context="" of them', "flagged: unreadable marks"),
    ],
)
def test_a_naive_text_that_is_set_aside_is_revised_by_nobody(text: str, why: str) -> None:
    ask, heard = model(silent=["revise_answer", "moderate"], naive_answer={"text": text})
    found = completions(loaded(), world(), WRITES, ask)
    assert set(found.completions.filter(kind="naive")["set_aside_for"]) == {why}
    assert "revise_answer" not in {name for name, _ in heard}
    assert not any(text in str(data) for _, data in heard)


HOLDS, RESTS = mark("What do you fear?", "", "THING 1.0"), 'So <value context="" criterion='
MARKED = {
    "naive_answer": {"text": HOLDS},
    "guided_answer": {"text": HOLDS, "marked": HOLDS},
    "revise_answer": {"critique": "Wanting.", "revision": HOLDS},
}


def test_what_is_written_with_marks_is_shown_without_them() -> None:
    ask, heard = model(**MARKED)
    found = made(ask=ask)
    assert set(found["text"]) == {"What do you fear?"}
    assert found.select("marked_text", "marks_rule").unique().rows() == [(HOLDS, None)]
    assert {data["text"] for _, data in heard if "text" in data} == {"What do you fear?"}


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("guided_answer", {"guided", "less_wise", "shuffled"}), ("revise_answer", {"revision"})],
)
def test_parts_of_marks_set_aside_whatever_is_written(name: str, kinds: set[str]) -> None:
    says = {field: RESTS if text == HOLDS else text for field, text in MARKED[name].items()}
    found = made(ask=model(**{name: says})[0])
    aside = found.filter(set_aside_for="flagged: unreadable marks")
    assert set(aside["kind"]) == kinds
    assert set(aside["marks_rule"]) == {"unreadable"}


def test_parts_of_marks_beside_a_whole_text_take_only_the_marks() -> None:
    found = made(ask=model(guided_answer={"text": "Yes.", "marked": RESTS})[0]).filter(kind="guided")
    assert found.select("text", "marked_text", "marks_rule").unique().rows() == [("Yes.", None, "unreadable")]
    assert set(found.filter(split="train")["set_aside_for"]) == {None}


def test_a_refusal_to_look_at_a_completion_sets_it_aside() -> None:
    ask, _ = model(refused=["moderate"])
    found = made(("a", "p1", "Hm."), settings=Training(judges=True), ask=ask)
    assert found["set_aside_for"].to_list() == [moderation.REFUSED]
    assert found["moderated_by"].to_list() == ["m/moderate-1"]


def test_the_same_text_stays_on_the_first_side() -> None:
    every = [*ROWS, reward("p3", 2, 0.5)]
    rows = [
        ("a", "p1", "The same"),
        ("b", "p2", " the  SAME\n"),
        ("c", "p3", "The same"),
        ("d", "p1", "the same"),
        ("e", "p2", "Another"),
        ("f", "p3", "another"),
        ("g", "p1", "A rude word"),
        ("h", "p2", "A rude word"),
    ]
    found = completions(loaded(*rows), world(every), Training(judges=True), model()[0]).completions
    leaks = found.filter(set_aside_for="leak")["completion_id"].to_list()
    assert leaks == ["b", "c", "e"], "on train, else on validation; what is set aside anyway takes none along"
    sides = found.filter(pl.col("set_aside_for").is_null()).select("split", pl.col("text").str.to_lowercase())
    assert sides.group_by("text").agg(pl.col("split").n_unique())["split"].max() == 1


@given(
    st.lists(st.tuples(st.sampled_from(["train", "validation", "test"]), st.sampled_from("ab")), max_size=8)
)
def test_leaks_are_those_that_brute_force_finds(rows: list[tuple[str, str]]) -> None:
    order = ["train", "validation", "test"]
    frame = pl.DataFrame(rows, {"split": pl.String, "text": pl.String}, orient="row")
    first = {text: min(order.index(side) for side, other in rows if other == text) for _, text in rows}
    assert moderation.leaks(frame).to_list() == [order.index(side) > first[text] for side, text in rows]


# What is promised


def test_tables_keep_their_contracts_and_gates_hold() -> None:
    rows = [("a", "p1", "Yes."), ("b", "mine", "To me."), ("c", "p2", "YES. ")]
    found = completions(loaded(*rows), world(), WRITES, model(silent=["revise_answer"])[0])
    for name, frame in zip(("completions", "completion_requests"), found, strict=True):
        assert TABLES[name].contract.is_valid(frame), name
    assert [one.value for one in measured_completions(found.completions, world())] == [0, 0, 0]


@pytest.mark.parametrize("column", ["prompt_id", "row_id", "value_id", "edge_id", "revises_id"])
def test_what_points_nowhere_is_seen(column: str) -> None:
    found = made()
    astray = {"value_id": 77}.get(column, "f" * 32)
    wrong = found.with_columns(pl.when(kind="naive").then(pl.lit(astray)).otherwise(column).alias(column))
    lost = measured_completions(wrong, world())[0]
    assert lost.value == 2


def test_gates_see_leaks_and_personal_texts() -> None:
    rows = [("a", "p1", "Yes."), ("c", "p2", "No.")]
    found = made(*rows, settings=Training(judges=True))
    same = found.with_columns(text=pl.lit("Yes to ann@example.org"))
    assert [one.value for one in measured_completions(same, world())] == [0, 1, 2]


def test_open_questions_warn_only_where_there_is_a_model() -> None:
    asked = completions(loaded(), world(), WRITES, model(silent=["naive_answer"])[0]).requests
    _, found = measured_requests(asked, has_model=True)
    assert (found.value, found.seen, found.gate.blocks) == (2, "naive_answer 2", False)
    assert measured_requests(asked, has_model=False)[1].value is None


@pytest.mark.parametrize(
    ("text", "count"),
    [("Write to ann@example.org", 1), ('"Call"\n212-555-0123', 1), ("x\n@ann.b", 0)],
)
def test_a_question_with_a_personal_text_is_seen(text: str, count: int) -> None:
    ask, _ = model(silent=["moderate"])
    (asked,) = ask("moderate", [AnswerToModerate(prompt="Why?", text=text)])
    found = measured_requests(requests([About(asked, "p1")]), has_model=False)[0]
    assert (found.value, found.gate.blocks) == (count, True)


def test_without_completions_there_are_empty_tables() -> None:
    found = completions(loaded(), world([]), Training(), None)
    assert (len(found.completions), len(found.requests)) == (0, 0)
    assert found.completions.schema == TABLES["completions"].schema


def test_a_shuffled_value_has_nothing_to_do_with_the_prompt() -> None:
    """Neither a row's value nor an end of an edge in a graph of the prompt's cases and contexts is drawn."""
    rows = [row | {"case_id": row["prompt_id"]} for row in ROWS]
    ends = [
        edge(3, 1, 5) | {"scope": "case:p1"},
        edge(5, 1, 5) | {"scope": "context:When sad"},
        edge(4, 1, 5) | {"scope": "case:p2"},
    ]
    of = world(rows)._replace(wisdom_edges=filled("wisdom_edges", ends))
    for seed in range(8):
        found = wishes(of.reward_rows, of.wisdom_edges, of.canonical_values, seed)
        drawn = {one.prompt_id: one.value_id for one in found if one.kind == "shuffled"}
        assert drawn["p1"] == 4, "1 and 2 were chosen, 3 and 5 are ends of edges there, 9 has no criteria"
        assert drawn["p2"] in (3, 5)
