"""Moral similarity f on texts that are angles: what is near, what applies, and what has no place."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.dataset.gates import measured_prompts
from dft_pipeline.dataset.moral_similarity import Candidate, Said, World, candidates, prompt_contexts
from dft_pipeline.dataset.prompt_contexts import applying, own_contexts, side, staying
from dft_pipeline.dataset.similarity_agreement import majority, similarity_agreement
from dft_pipeline.policies import SIMILAR_WORDLLAMA
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.values.further_prompts import TURNS
from dft_pipeline.values.similarity import Floats

SETTINGS = SIMILAR_WORDLLAMA.model_copy(
    update={"case_threshold": 0.9, "context_threshold": 0.8, "most_candidates": 3}
)
LINKS = pl.Schema({"context_id": pl.String, "case_id": pl.String})
YES, NO = (Said(applies, 0.5, "so it is", "model/context_applies-1", "1") for applies in (True, False))


def embed(texts: Sequence[str]) -> Floats:
    """A text that begins with an angle in degrees points there; any other points nowhere."""
    rows = [text.split()[0] for text in texts]
    turned = [math.radians(float(one)) if one.lstrip("-").isdigit() else None for one in rows]
    points = [(0.0, 0.0) if angle is None else (math.cos(angle), math.sin(angle)) for angle in turned]
    return np.array(points, np.float32).reshape(-1, 2)


def world(cases: dict[str, str], contexts: Sequence[str], *links: tuple[str, str]) -> World:
    frame = pl.DataFrame(list(cases.items()), {"id": pl.String, "question": pl.String}, orient="row")
    return World(frame, pl.DataFrame(list(links), LINKS, orient="row"), pl.Series(contexts, dtype=pl.String))


def turns(**prompts: str) -> pl.DataFrame:
    return pl.DataFrame([(name, None, name, text) for name, text in prompts.items()], TURNS, orient="row")


WORLD = world(
    {"north": "90", "east": "0", "near": "15"},
    ["5 here", "80 there", "-80 loose"],
    ("5 here", "near"),
    ("5 here", "east"),
    ("80 there", "north"),
)


def rows(found: pl.DataFrame, *columns: str, **where: object) -> list[tuple[object, ...]]:
    return found.filter(pl.col("source_prompt_id").is_not_null()).filter(**where).select(columns).rows()


def test_offline_the_threshold_decides() -> None:
    found = prompt_contexts(turns(p="30"), WORLD, embed, SETTINGS, None)
    assert rows(found, "kind", "case_id", "context_id", "applies") == [
        ("case", "east", None, False),
        ("case", "near", None, True),
        ("case", "north", None, False),
        ("context", "near", "5 here", True),
        ("context", None, "80 there", False),
    ]
    ((similarity, score, by, judge),) = rows(
        found, "similarity", "context_score", "decided_by", "judge", kind="case", case_id="near"
    )
    assert similarity == score == pytest.approx(math.cos(math.radians(15)), abs=1e-3)
    assert (by, judge) == ("embedding", "similar-wordllama-1")


def test_cases_have_what_the_data_says() -> None:
    found = prompt_contexts(turns(), WORLD, embed, SETTINGS, None)
    assert found.equals(own_contexts(WORLD.cases, WORLD.links))
    told = found.filter(prompt_id="east").select(
        "kind", "case_id", "context_id", "context_score", "decided_by"
    )
    assert told.rows() == [("case", "east", None, 1.0, "data"), ("context", "east", "5 here", 1.0, "data")]


def test_a_judge_is_asked_of_every_candidate_and_may_stay_silent() -> None:
    heard: list[Candidate] = []
    answers = {"15": YES, "90": NO}

    def judge(asked: Sequence[Candidate]) -> list[Said | None]:
        heard.extend(asked)
        return [answers.get(one.candidate) for one in asked]

    found = prompt_contexts(turns(p="30"), WORLD, embed, SETTINGS, judge)
    assert set(heard) == {
        *(Candidate("30", "case", question) for question in ("0", "15", "90")),
        *(Candidate("30", "context", context) for context in ("5 here", "80 there")),
    }
    columns = ("case_id", "applies", "context_score", "confidence", "decided_by", "prompt_version")
    assert rows(found, *columns, kind="case") == [
        ("east", None, None, None, "model", None),
        ("near", True, 0.5, 0.5, "model", "1"),
        ("north", False, None, 0.5, "model", "1"),
    ]
    silent, lost, left_out = measured_prompts(turns(p="30"), found)
    assert (silent.value, lost.value, left_out.value) == (3, 0, 0)
    assert measured_prompts(turns(p="30", gone="1"), found)[1].value == 1


def test_a_prompt_to_which_nothing_applies_is_out_of_the_graph_and_says_why() -> None:
    def silent(asked: Sequence[Candidate]) -> list[Said | None]:
        return [None for _ in asked]

    far, nowhere = turns(p="43"), turns(p="nowhere")
    reasons = [
        rows(prompt_contexts(prompts, WORLD, embed, SETTINGS, judge), "reason", kind="out_of_graph")
        for prompts, judge in ((far, None), (nowhere, None), (far, silent))
    ]
    assert reasons == [
        [("none of 5 candidates applies",)],
        [("no case and no context is similar",)],
        [("5 of 5 candidates have no answer yet, no other applies",)],
    ]
    found = prompt_contexts(far, WORLD, embed, SETTINGS, None)
    assert "p" not in set(applying(found)["prompt_id"])


def test_a_context_without_a_case_applies_and_gives_nothing() -> None:
    found = prompt_contexts(turns(p="-85"), WORLD, embed, SETTINGS, None)
    assert rows(found, "case_id", "context_id", applies=True) == [(None, "-80 loose")]
    assert rows(found, "kind", kind="out_of_graph") == []
    assert "p" not in set(applying(found)["prompt_id"])


@pytest.mark.parametrize(
    ("prompt", "scores", "case"),
    [
        ("10", {"0": 0.3, "15": 0.7}, "near"),
        ("10", {"0": 0.9, "15": 0.7}, "east"),
        ("10", {"15": 0.2}, "near"),
        ("4", {}, "east"),
        ("12", {}, "near"),
        ("4", {"15": 0.1}, "near"),
    ],
)
def test_a_context_is_asked_of_the_case_that_applies_most_else_of_the_most_similar(
    prompt: str, scores: dict[str, float], case: str
) -> None:
    def judge(asked: Sequence[Candidate]) -> list[Said | None]:
        score = {"5 here": 1.0, **scores}
        return [
            YES._replace(confidence=score[one.candidate]) if one.candidate in score else NO for one in asked
        ]

    found = prompt_contexts(turns(p=prompt), WORLD, embed, SETTINGS, judge)
    assert rows(found, "case_id", context_id="5 here") == [(case,)]


def test_equally_similar_cases_are_taken_by_their_ids() -> None:
    twins = world({"b": "0", "a": "0"}, ["0 here"], ("0 here", "b"), ("0 here", "a"))
    found = prompt_contexts(turns(p="5"), twins, embed, SETTINGS, None)
    assert rows(found, "case_id", kind="context") == [("a",)]
    one = SETTINGS.model_copy(update={"most_candidates": 1})
    assert rows(prompt_contexts(turns(p="5"), twins, embed, one, None), "case_id", kind="case") == [("a",)]


ANGLES = st.lists(st.integers(-180, 180), min_size=1, max_size=12, unique=True)


@given(ANGLES, st.lists(st.integers(-180, 180), max_size=8, unique=True), st.integers(1, 4))
def test_candidates_are_the_nearest(asked: list[int], contexts: list[int], most: int) -> None:
    prompts = turns(**{f"p{number}": f"{angle} asked" for number, angle in enumerate(asked)})
    there = world({}, [str(angle) for angle in contexts])
    using = SETTINGS.model_copy(update={"most_candidates": most})
    near = candidates(prompts, there, embed, using)
    for number, angle in enumerate(asked):
        found = near.filter(prompt_id=f"p{number}").sort("similarity", descending=True)["similarity"]
        cosines = sorted((math.cos(math.radians(angle - one)) for one in contexts), reverse=True)
        expected = [one for one in cosines if one > 1e-3][:most]
        assert found.to_list()[: len(expected)] == pytest.approx(expected, abs=1e-3)
        assert len(found) <= most


def named(*sides: str) -> list[str]:
    """An id on each of these sides."""
    numbers = iter(range(1000))
    return [next(f"p{n:03}" for n in numbers if side(f"p{n:03}") == wanted) for wanted in sides]


def test_a_prompt_too_much_like_an_earlier_one_on_another_side_is_a_leak() -> None:
    first, same, other, third = named("train", "train", "test", "validation")
    prompts = turns(**{first: "40", same: "40", other: "41", third: "???", f"{third}x": "-100"})
    found = prompt_contexts(prompts, WORLD, embed, SETTINGS, None)
    why = f"too much like {first}, which is on the side train"
    assert rows(found, "prompt_id", "reason", kind="leak") == [(other, why)]
    ((similarity,),) = rows(found, "similarity", kind="leak")
    assert similarity == pytest.approx(math.cos(math.radians(1)), abs=1e-3)
    assert other not in set(applying(found)["prompt_id"])
    assert {first, same} <= set(applying(found.with_columns(applies=True, case_id=pl.lit("a")))["prompt_id"])


def test_a_leak_lets_those_stay_that_are_like_it_alone() -> None:
    """Of three in a row, each like the next, the middle one goes, and the last is like nobody who stays."""
    first, second, third = named("train", "test", "train")
    prompts = turns(**{first: "40", second: "60", third: "80"})
    found = prompt_contexts(prompts, WORLD, embed, SETTINGS, None)
    assert rows(found, "prompt_id", kind="leak") == [(second,)]


def test_the_same_words_are_alike_even_where_they_point_nowhere() -> None:
    first, second = named("train", "test")
    found = prompt_contexts(turns(**{first: "???", second: "???"}), WORLD, embed, SETTINGS, None)
    assert rows(found, "prompt_id", "similarity", kind="leak") == [(second, 1.0)]


def test_a_case_stays_whatever_is_like_it() -> None:
    (prompt,) = named("test")
    there = world({"train-case": "100"}, [])
    assert side("train-case") != "test"
    found = prompt_contexts(turns(**{prompt: "100"}), there, embed, SETTINGS, None)
    assert rows(found, "prompt_id", kind="leak") == [(prompt,)]
    assert set(applying(found)["prompt_id"]) == {"train-case"}


def test_of_two_cases_too_much_alike_on_two_sides_the_later_one_is_left_out() -> None:
    first, second = sorted(named("train", "test"))
    there = world({second: "41", first: "40", "z": "130"}, ["40 here"], ("40 here", second))
    assert side("z") == "train"
    found = prompt_contexts(turns(**{f"{first}x": "-140"}), there, embed, SETTINGS, None)
    why = f"too much like {first}, which is on the side {side(first)}"
    leaks = found.filter(kind="leak").select("prompt_id", "prompt", "reason", "source_prompt_id", "case_id")
    assert leaks.rows() == [(second, "41", why, None, None)]
    assert set(applying(found)["prompt_id"]) == {first, "z"}
    assert staying(there.cases, found)["id"].to_list() == [first, "z"]
    told = measured_prompts(turns(), found)[2]
    assert (told.gate.name, told.value, told.rows) == ("cases_have_rows", 1, (second,))


def test_cases_alike_on_one_side_both_stay() -> None:
    first, second = named("train", "train")
    found = prompt_contexts(turns(), world({first: "40", second: "40"}, []), embed, SETTINGS, None)
    assert found.filter(kind="leak").is_empty()


def test_what_looks_personal_is_compared_with_nothing_and_shown_to_nobody() -> None:
    def tell(asked: Sequence[Candidate]) -> list[Said | None]:
        assert not asked
        return []

    def never(texts: Sequence[str]) -> Floats:
        assert not any("@" in text for text in texts)
        return embed(texts)

    found = prompt_contexts(turns(p="0 ann@example.org www.example.org"), WORLD, never, SETTINGS, tell)
    assert rows(found, "kind", "prompt", "reason") == [
        ("personal_text", None, "it looks as if it held: e-mail address, web address")
    ]
    assert "p" not in set(applying(found)["prompt_id"])


LABELS = pl.Schema(
    {
        "id": pl.String,
        "promptId": pl.String,
        "turnIndex": pl.Int64,
        "contextId": pl.String,
        "applies": pl.Boolean,
        "participant_id": pl.String,
    }
)


def labels(*said: tuple[str, int | None, str, bool, str | None]) -> pl.DataFrame:
    rows = [(f"l{number}", *one) for number, one in enumerate(said)]
    return pl.DataFrame(rows, LABELS, orient="row")


def test_labels_have_the_columns_that_are_loaded() -> None:
    assert set(LABELS) == {column.pseudonymous for column in SOURCE_TABLES["contextLabel"].columns}


def test_most_people_decide_each_with_one_voice() -> None:
    found = prompt_contexts(turns(p="30", q="43"), WORLD, embed, SETTINGS, None)
    told = labels(
        ("p", None, "here", False, "ann"),
        ("p", 0, "here", True, "ann"),
        ("p", 0, "here", True, None),
        ("p", 0, "here", False, None),
        ("p", 0, "there", True, "ann"),
        ("p", 0, "there", False, "bob"),
        ("q", None, "here", False, "bob"),
    )
    assert majority(told, found).rows() == [("p", "here", True), ("q", "here", False)]


def test_agreement_counts_what_is_known_beside_what_is_found() -> None:
    found = prompt_contexts(turns(p="30", q="43"), WORLD, embed, SETTINGS, None)
    told = labels(
        ("p", None, "5 here", True, "ann"),
        ("p", None, "80 there", True, "ann"),
        ("q", None, "5 here", False, "ann"),
        ("q", None, "80 there", False, "ann"),
        ("q", None, "-80 loose", True, "ann"),
    )
    made = similarity_agreement(found, told, WORLD, embed, SETTINGS, None)
    assert made.rows() == [
        # Within 90°: north has `80 there` and `5 here`, near both as well, east all three.
        ("links", "candidate", 3, 9, 3, 7, 3, 3 / 7, 1.0),
        ("links", "embedding", 3, 9, 3, 3, 3, 1.0, 1.0),
        ("people", "candidate", 2, 5, 3, 4, 2, 0.5, 2 / 3),
        ("people", "embedding", 2, 5, 3, 1, 1, 1.0, 1 / 3),
    ]


def test_a_judge_is_measured_where_it_is_used_and_else_not_asked() -> None:
    def yes(asked: Sequence[Candidate]) -> list[Said | None]:
        return [YES for _ in asked]

    def never(_: Sequence[Candidate]) -> list[Said | None]:
        raise AssertionError("nobody needs to know")

    found = prompt_contexts(turns(p="30"), WORLD, embed, SETTINGS, yes)
    ways = similarity_agreement(found, labels(), WORLD, embed, SETTINGS, yes).select("labels", "decided_by")
    assert ways.filter(decided_by="model").rows() == [("links", "model"), ("people", "model")]
    alone = own_contexts(WORLD.cases, WORLD.links)
    made = similarity_agreement(alone, labels(), WORLD, embed, SETTINGS, never)
    assert made.filter(labels="links")["decided_by"].to_list() == ["candidate", "embedding"]
