"""Preference pairs against a plain reading of completions, scores and rankings, and each rule by hand."""

import hashlib
import json
from collections import defaultdict
from itertools import permutations
from typing import Any

import polars as pl
import pytest
import strategies as some
from answers_world import (
    Row,
    answers,
    completion,
    many_answers,
    ranking,
    reward_row,
    score,
    value_pair,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from dft_pipeline.dataset.prompt_contexts import side
from dft_pipeline.policies import Training
from dft_pipeline.tables import PAIR_REASONS
from dft_pipeline.training.candidates import MOST_COMPARED, Answers
from dft_pipeline.training.lengths import length_correlation
from dft_pipeline.training.pairs import Pairs, margin, preference_pairs

ANY_LENGTH = Training(max_length_correlation=1)
Key = tuple[str, str, str, int | None]


def keys(rows: pl.DataFrame) -> list[Key]:
    return rows.select("chosen_id", "rejected_id", "reason", "value_id").sort(pl.all()).rows()


def rules(made: Pairs) -> dict[Key, str]:
    columns = ("chosen_id", "rejected_id", "reason", "value_id", "rule")
    return {row[:4]: row[4] for row in made.pairs_left_out.select(columns).iter_rows()}


# By hand: a prompt with guided, naive, less wise, shuffled and revised answers.
EDGE = "case:abortion|3|7"
WHOLE = [
    completion("guided 7", "guided", 7),
    completion("naive", "naive", text="naive, much longer"),
    completion("less wise", "less_wise", 3, edge_id=EDGE, row_id=reward_row(7)["row_id"]),
    completion("other", "shuffled", 101, row_id=reward_row(7)["row_id"]),
    completion("revised", "revision", 7, revises_id="naive"),
]
REWARDS = {"guided 7": 0.9, "naive": 0.4, "less wise": 0.5, "other": 0.3, "revised": 0.7}


def whole(**changes: Any) -> Answers:
    scores = [score(name, 7, reward, reward) for name, reward in REWARDS.items()]
    return answers(**{"completions": WHOLE, "scores": scores} | changes)


def test_by_hand() -> None:
    made = preference_pairs(whole(value_pairs=[value_pair(EDGE, is_contested=True)]), ANY_LENGTH)
    by_reason = defaultdict(list)
    for chosen, rejected, reason, _ in keys(made.preference_pairs):
        by_reason[reason].append((chosen, rejected))
    assert by_reason == {
        # Of 0.9, 0.7, 0.5, 0.4 and 0.3, each two that are 0.2 apart or more.
        "execution": [
            ("guided 7", "less wise"), ("guided 7", "naive"), ("guided 7", "other"), ("guided 7", "revised"),
            ("less wise", "other"), ("revised", "less wise"), ("revised", "naive"), ("revised", "other"),
        ],
        "naive": [("guided 7", "naive")],
        "revision": [("revised", "naive")],
        "shuffled_value": [("guided 7", "other")],
        "wiser_value": [("guided 7", "less wise")],
    }  # fmt: skip
    assert made.pairs_left_out.is_empty()
    (wiser,) = made.preference_pairs.filter(reason="wiser_value").to_dicts()
    assert {name: wiser[name] for name in wiser if name not in ("pair_id", "gap")} == {
        "prompt_id": "abortion",
        "prompt": "What about abortion?",
        "chosen_id": "guided 7",
        "rejected_id": "less wise",
        "chosen": "guided 7",
        "rejected": "less wise",
        "reason": "wiser_value",
        "value_id": 7,
        "edge_id": EDGE,
        "chosen_reward": 0.9,
        "rejected_reward": 0.5,
        "scored_by": "people",
        "chosen_length": 8,
        "rejected_length": 9,
        "row_ids": [reward_row(7)["row_id"]],
        "split": side("abortion"),
        "fold": 0,
        "value_split": max((side("7"), side("3")), key=("train", "validation", "test").index),
        "is_contested": True,
    }
    assert wiser["gap"] == pytest.approx(0.4)
    meaning = json.dumps(["guided 7", "less wise", "wiser_value", 7], separators=(",", ":"))
    assert wiser["pair_id"] == hashlib.sha256(meaning.encode()).hexdigest()[:32]
    assert set(made.preference_pairs.filter(pl.col("reason") != "wiser_value")["is_contested"]) == {False}


def test_people_rank() -> None:
    rankings = [
        *ranking("ann", 7, "a", "b", "c"),
        *ranking("bob", 7, "ab", "c"),
        *ranking("cat", 7, "c", "a"),
    ]
    of = answers([completion(name) for name in "abc"], rankings=rankings)
    made = preference_pairs(of, ANY_LENGTH).preference_pairs
    gaps = {(row["chosen_id"], row["rejected_id"]): row["gap"] for row in made.to_dicts()}
    # Of three who ranked a and c two put a first, one c; of two who ranked b, both put c last.
    assert gaps == {("a", "b"): 0.5, ("a", "c"): pytest.approx(1 / 3), ("b", "c"): 1.0}
    assert set(made["scored_by"]) == {"people"}
    assert made["chosen_reward"].null_count() == len(made)


def left(of: Answers, config: Training = ANY_LENGTH) -> dict[tuple[str, str, str], str]:
    return {key[:3]: rule for key, rule in rules(preference_pairs(of, config)).items()}


def judged(*scores: Row, **changes: Any) -> dict[tuple[str, str, str], str]:
    """What is left out of a guided answer, a naive one and its revision with these scores."""
    three = [
        completion("g", "guided", 7),
        completion("naive", "naive"),
        completion("revised", "revision", 7, revises_id="naive"),
    ]
    return left(answers(three, scores, **changes))


NAIVE, REVISION = ("g", "naive", "naive"), ("revised", "naive", "revision")
MODEL = {"scored_by": "model"}


@pytest.mark.parametrize(
    ("scores", "trusted", "expected"),
    [
        ([], None, {REVISION: "unscored"}),
        ([score("naive", 7, 0.5, 0.5), score("revised", 7, 0.6, 0.6)], None, {REVISION: "small_gap"}),
        ([score("naive", 7, 0.4, 0.4), score("revised", 7, 0.6, 0.6)], None, {}),  # 0.2, but for rounding
        (
            [score("naive", 7, 0.5, 0.5), score("revised", 7, 0.0, 0.0)],
            None,
            {REVISION: "small_gap", ("naive", "revised", "execution"): None},
        ),
        (
            [score("naive", 7, 0.1, 0.1), score("revised", 7, 0.9, 0.9, **MODEL)],
            True,
            {REVISION: "unlike_scorers", ("revised", "naive", "execution"): "unlike_scorers"},
        ),
        (
            [score("naive", 7, 0.1, 0.1, **MODEL), score("revised", 7, 0.9, 0.9, **MODEL)],
            False,
            {REVISION: "untrusted_judge", ("revised", "naive", "execution"): "untrusted_judge"},
        ),
        (
            [score("naive", 7, 0.1, 0.1, **MODEL), score("revised", 7, 0.9, 0.9, **MODEL)],
            None,
            {REVISION: "untrusted_judge", ("revised", "naive", "execution"): "untrusted_judge"},
        ),
        ([score("naive", 7, 0.1, 0.1, **MODEL), score("revised", 7, 0.9, 0.9, **MODEL)], True, {}),
        (
            [score("naive", 7, 0.5, 0.5), score("g", 7, 0.5, 0.5)],
            None,
            {REVISION: "unscored", NAIVE: "reward_disagrees"},
        ),
        # A model that is not trusted says nothing against a pair, nor do scores of two kinds.
        (
            [score("naive", 7, 0.5, 0.5, **MODEL), score("g", 7, 0.4, 0.4, **MODEL)],
            False,
            {REVISION: "unscored"},
        ),
        ([score("naive", 7, 0.5, 0.5), score("g", 7, 0.4, 0.4, **MODEL)], True, {REVISION: "unscored"}),
    ],
)
def test_what_is_left_out_for_its_scores(
    scores: list[Row], trusted: bool | None, expected: dict[tuple[str, str, str], str]
) -> None:
    stays = {key for key, rule in expected.items() if rule is None}
    found = judged(*scores, trusted=trusted)
    assert found == {key: rule for key, rule in expected.items() if key not in stays}


def test_a_setting_trusts_the_judge() -> None:
    three = [completion("naive", "naive"), completion("revised", "revision", 7, revises_id="naive")]
    of = answers(three, [score(one, 7, by, by, **MODEL) for one, by in (("naive", 0.1), ("revised", 0.9))])
    made = preference_pairs(of, Training(max_length_correlation=1, trusts_judge=True))
    assert made.pairs_left_out.is_empty()
    assert set(made.preference_pairs["scored_by"]) == {"model"}


def test_a_value_executed_better_at_the_cost_of_the_reward_is_no_preference() -> None:
    scores = [
        score("a", 7, 1.0, 0.4),
        score("a", 3, 0.0, 0.4),
        score("b", 7, 0.0, 0.6),
        score("b", 3, 1.0, 0.6),
    ]
    of = answers([completion("a"), completion("b")], scores)
    made = preference_pairs(of, ANY_LENGTH)
    assert keys(made.preference_pairs) == [("b", "a", "execution", 3)]
    assert rules(made) == {("a", "b", "execution", 7): "reward_disagrees"}


@pytest.mark.parametrize("reward", [None, 0.5])
def test_two_ways_and_no_reward_that_decides_leave_none(reward: float | None) -> None:
    executed = {("a", 7): 1.0, ("a", 3): 0.0, ("b", 7): 0.0, ("b", 3): 1.0}
    scores = [score(*of, one, reward) for of, one in executed.items()]
    made = preference_pairs(answers([completion("a"), completion("b")], scores), ANY_LENGTH)
    assert made.preference_pairs.is_empty()
    assert set(rules(made).values()) == {"contradicted"}


def test_two_texts_are_preferred_one_way_whatever_their_ids() -> None:
    """`a` over `b` by 7, and by 3 `d` over `c`, which say the same the other way round."""
    texts = {"a": "Yes.", "b": "No.", "c": " yes. ", "d": "NO."}
    scores = [score("a", 7, 1.0), score("b", 7, 0.0), score("c", 3, 0.0), score("d", 3, 1.0)]
    made = preference_pairs(
        answers([completion(name, text=text) for name, text in texts.items()], scores), ANY_LENGTH
    )
    assert made.preference_pairs.is_empty()
    assert rules(made) == {
        ("a", "b", "execution", 7): "contradicted",
        ("d", "c", "execution", 3): "contradicted",
    }
    same = [score("a", 7, 1.0), score("b", 7, 0.0), score("c", 3, 1.0), score("d", 3, 0.0)]
    both = preference_pairs(
        answers([completion(name, text=text) for name, text in texts.items()], same), ANY_LENGTH
    )
    assert len(both.preference_pairs) == 2, "the same way round"


def test_a_ranking_stands_where_rewards_are_equal() -> None:
    scores = [score(name, 7, 1.0, 1.0) for name in "ab"]
    of = answers([completion("a"), completion("b")], scores, ranking("ann", 7, "a", "b"))
    made = preference_pairs(of, ANY_LENGTH).preference_pairs
    assert (keys(made), made["gap"].to_list()) == ([("a", "b", "ranked", 7)], [1.0])


def test_what_is_left_out_contradicts_nothing() -> None:
    scores = [
        score("a", 7, 1.0),
        score("b", 7, 0.0),
        score("a", 3, 0.0, **MODEL),
        score("b", 3, 1.0, **MODEL),
    ]
    made = preference_pairs(answers([completion("a"), completion("b")], scores), ANY_LENGTH)
    assert keys(made.preference_pairs) == [("a", "b", "execution", 7)]
    assert rules(made) == {("b", "a", "execution", 3): "untrusted_judge"}


def test_the_same_text_and_what_is_set_aside() -> None:
    four = [
        completion("g", "guided", 7, text="Same "),
        completion("same", "naive"),
        completion("bad", "naive", set_aside_for="flagged: word"),
        completion("good", "naive"),
    ]
    assert left(answers(four)) == {
        ("g", "same", "naive"): "same_text",
        ("g", "bad", "naive"): "set_aside",
    }


def test_the_most_of_a_prompt_in_turns() -> None:
    """Of ten by execution, four against naive ones and one against another value, six."""
    five = [completion(f"l{number}", text="x" * 9 * number) for number in range(5)]
    scores = [score(f"l{number}", 7, number / 4) for number in range(5)]
    naive = [completion(f"n{number}", "naive") for number in range(4)]
    rest = [completion("g", "guided", 7), completion("s", "shuffled", 101, row_id=reward_row(7)["row_id"])]
    made = {}
    for seed in range(3):
        config = Training(max_length_correlation=1, most_pairs=6, seed=seed)
        of = answers([*five, *naive, *rest], scores)
        made[seed] = preference_pairs(of, config)
        counts = dict(made[seed].preference_pairs["reason"].value_counts().iter_rows())
        assert counts.pop("shuffled_value") == 1
        assert sorted(counts.values()) == [2, 3]
        assert set(rules(made[seed]).values()) == {"most_per_prompt"}
        assert len(made[seed].pairs_left_out) == 10 + 4 + 1 - 6
    assert len({tuple(keys(one.preference_pairs)) for one in made.values()}) > 1, "the seed decides which"
    every = preference_pairs(of, Training(max_length_correlation=1, most_pairs=15))
    assert every.pairs_left_out.is_empty()


def test_lengths_are_matched_and_told_of() -> None:
    lengths = {7: (40, 90), 20: (30, 50), 101: (20, 19)}
    naive = completion("n", "naive", text="y" * 30)
    guided = [completion(f"g{value}", "guided", value, text="x" * 90) for value in lengths]
    shorter = completion("g3", "guided", 3, text="z" * 10)
    made = preference_pairs(answers([naive, *guided, shorter]), Training())
    # Three are three times as long, one a third: of the three two go.
    assert len(made.preference_pairs) == 2
    assert set(rules(made).values()) == {"unlike_length"}
    assert "g3" in set(made.preference_pairs["chosen_id"])
    everything, by_naive = (made.pair_balance.filter(reason=name).to_dicts()[0] for name in ("all", "naive"))
    assert {**by_naive, "reason": "all"} == everything
    assert (everything["pairs"], everything["left_out"], everything["unlike_length"]) == (2, 2, 2)
    assert everything["length_correlation_before"] == pytest.approx(0.5)
    assert everything["length_correlation"] == pytest.approx(0, abs=1e-12)
    assert made.pair_balance["reason"].to_list() == sorted(["all", *PAIR_REASONS])


def test_nothing_is_made_of_nothing() -> None:
    made = preference_pairs(answers(), Training())
    assert made.preference_pairs.is_empty()
    assert made.pairs_left_out.is_empty()
    assert made.pair_balance["pairs"].sum() == 0


@pytest.mark.parametrize(
    ("gap", "scale", "expected"), [(0.5, None, None), (None, 2.0, None), (0.5, 4.0, 2.0), (0.0, 4.0, 0.0)]
)
def test_a_margin_is_asked_for(gap: float | None, scale: float | None, expected: float | None) -> None:
    assert margin(gap, scale) == expected


# The same, read plainly, pair by pair.


def plain_rewards(of: Answers) -> dict[str, tuple[float, str | None]]:
    """The reward of each completion that has one, and by whose scores; None by both."""
    found = {}
    scores = of.completion_scores.to_dicts()
    for row in scores:
        if row["reward"] is not None:
            by = {other["scored_by"] for other in scores if other["completion_id"] == row["completion_id"]}
            found[row["completion_id"]] = (row["reward"], by.pop() if len(by) == 1 else None)
    return found


def plain_executions(of: Answers, one: Row, other: Row) -> dict[int, tuple[float, list[str]]]:
    """By value the gap in executed, and by whose scores."""
    scores = {(row["completion_id"], row["value_id"]): row for row in of.completion_scores.to_dicts()}
    found = {}
    for value in some.VALUES:
        ends = [scores.get((end["completion_id"], value), {}) for end in (one, other)]
        if all(end.get("executed") is not None for end in ends):
            by = [end["scored_by"] for end in ends]
            found[value] = (ends[0]["executed"] - ends[1]["executed"], by)
    return found


def plain_ranking(of: Answers, one: Row, other: Row) -> float:
    places: dict[str, dict[str, int]] = defaultdict(dict)
    for row in of.completion_rankings.to_dicts():
        places[row["rater"]][row["completion_id"]] = row["rank"]
    pair = (one["completion_id"], other["completion_id"])
    both = [[ranks[name] for name in pair] for ranks in places.values() if set(pair) <= ranks.keys()]
    net = sum(first < second for first, second in both) - sum(first > second for first, second in both)
    return net / len(both) if both else 0.0


def plain_kinds(of: Answers, one: Row, other: Row) -> str | None:
    """The reason that lies in how the two were made."""
    wiser_of = {row["row_id"]: row["value_id"] for row in of.reward_rows.to_dicts()}
    match (one["kind"], other["kind"]):
        case ("guided", "naive"):
            return "naive"
        case ("guided", "shuffled"):
            return "shuffled_value"
        case ("guided", "less_wise") if wiser_of[other["row_id"]] == one["value_id"]:
            return "wiser_value"
        case ("revision", "naive") if one["revises_id"] == other["completion_id"]:
            return "revision"
        case _:
            return None


def plain_candidates(of: Answers) -> dict[Key, dict[str, Any]]:
    found: dict[Key, dict[str, Any]] = {}
    for one, other in permutations(of.completions.to_dicts(), 2):
        if one["prompt_id"] != other["prompt_id"]:
            continue
        pair = (one["completion_id"], other["completion_id"])
        for value, (gap, by) in plain_executions(of, one, other).items():
            if gap > ENOUGH:
                found[*pair, "execution", value] = {"gap": gap, "ends": by}
        gap = plain_ranking(of, one, other)
        if gap > ENOUGH:
            found[*pair, "ranked", 7] = {"gap": gap, "ends": ["people", "people"]}
        reason = plain_kinds(of, one, other)
        if reason is not None:
            found[*pair, reason, one["value_id"]] = {"edge_id": other["edge_id"]}
    return found


ENOUGH = Training().min_gap - 1e-9


def plain_rule(key: Key, told: dict[str, Any], ends: list[Row], trusted: bool) -> str | None:
    is_revision = key[2] == "revision"
    first, second = told["rewards"]
    by = told["ends"] if key[2] == "execution" else told["reward_by"] if is_revision else ["people", "people"]
    rules = {
        "set_aside": any(end["set_aside_for"] for end in ends),
        "same_text": len({" ".join(end["text"].lower().split()) for end in ends}) == 1,
        "unscored": is_revision and (first is None or second is None),
        "unlike_scorers": by[0] is None or by[0] != by[1],
        "untrusted_judge": by[0] == "model" and not trusted,
        "small_gap": is_revision and None not in (first, second) and first - second <= ENOUGH,
        "reward_disagrees": told["compares"]
        and (first < second or (first == second and key[2] not in ("execution", "ranked"))),
    }
    return next((name for name, holds in rules.items() if holds), None)


def plain(of: Answers, config: Training) -> tuple[dict[Key, str | None], dict[Key, dict[str, Any]]]:
    """The rule of every candidate, before the most of a prompt and the lengths, and what is known of it."""
    completions = {row["completion_id"]: row for row in of.completions.to_dicts()}
    rewards, found = plain_rewards(of), plain_candidates(of)
    whole_rows = of.judge_agreement.filter(pl.col("value_id").is_null())["is_trusted"].to_list()
    trusted = config.trusts_judge or whole_rows == [True]
    ruled = {}
    for key, told in found.items():
        said = [rewards.get(name, (None, None)) for name in key[:2]]
        told["rewards"], told["reward_by"] = zip(*said, strict=True)
        by = told["reward_by"]
        told["compares"] = by[0] is not None and by[0] == by[1] and (by[0] == "people" or trusted)
        ruled[key] = plain_rule(key, told, [completions[name] for name in key[:2]], trusted)
    said = {
        key: [
            (row["prompt_id"], " ".join(row["text"].lower().split()))
            for row in map(completions.__getitem__, key[:2])
        ]
        for key, rule in ruled.items()
        if rule is None
    }
    torn = {key for key, ends in said.items() if ends[::-1] in said.values()}
    return ruled | dict.fromkeys(torn, "contradicted"), found


@settings(max_examples=25)
@given(many_answers(), st.booleans())
def test_all_pairs_read_plainly(of: Answers, trusts: bool) -> None:
    config = Training(max_length_correlation=1, most_pairs=10_000, trusts_judge=trusts)
    expected, told = plain(of, config)
    made = preference_pairs(of, config)
    assert keys(made.preference_pairs) == sorted(
        (key for key, rule in expected.items() if rule is None), key=lambda key: (*key[:3], key[3] or 0)
    )
    assert rules(made) == {key: rule for key, rule in expected.items() if rule is not None}
    rows = of.reward_rows.to_dicts()
    disputed = {row["edge_id"] for row in of.value_pairs.to_dicts() if row["is_contested"]}
    texts = {row["completion_id"]: row for row in of.completions.to_dicts()}
    for row in made.preference_pairs.to_dicts():
        known = told[row["chosen_id"], row["rejected_id"], row["reason"], row["value_id"]]
        shown = known["rewards"] if known["compares"] else (None, None)
        assert (row["chosen_reward"], row["rejected_reward"]) == shown
        gap, by = (shown[0] - shown[1], known["reward_by"]) if known["compares"] else (None, [None])
        assert row["gap"] == (None if known.get("gap", gap) is None else pytest.approx(known.get("gap", gap)))
        assert row["scored_by"] == known.get("ends", by)[0]
        behind = [
            one["row_id"]
            for one in rows
            if (one["prompt_id"], one["value_id"]) == (row["prompt_id"], row["value_id"])
        ]
        assert row["row_ids"] == sorted(behind) != []
        values = {row["value_id"], texts[row["chosen_id"]]["value_id"], texts[row["rejected_id"]]["value_id"]}
        sides = [side(str(value)) for value in values if value is not None]
        assert row["value_split"] == max(sides, key=("train", "validation", "test").index)
        theirs = [
            one["is_contested"]
            for one in rows
            if one["prompt_id"] == row["prompt_id"] and one["value_id"] in values
        ]
        assert row["is_contested"] == (any(theirs) or known.get("edge_id") in disputed)
        assert (row["split"], row["edge_id"]) == (side(row["prompt_id"]), known.get("edge_id"))
        assert (row["chosen_length"], row["rejected_length"]) == (len(row["chosen"]), len(row["rejected"]))


@settings(max_examples=15)
@given(many_answers(), st.integers(0, 5), st.integers(1, 4))
def test_the_order_of_rows_changes_nothing_and_all_adds_up(of: Answers, seed: int, most: int) -> None:
    config = Training(most_pairs=most, seed=seed, trusts_judge=True)
    made = preference_pairs(of, config)
    again = preference_pairs(Answers(*(some.shuffled(table, seed) for table in of)), config)
    assert all(one.equals(other) for one, other in zip(made, again, strict=True))
    everything = preference_pairs(
        of, Training(most_pairs=10_000, max_length_correlation=1, trusts_judge=True)
    )
    ids = [set(table["pair_id"]) for table in (*made[:2], *everything[:2])]
    assert ids[0] | ids[1] == ids[2] | ids[3]
    assert not ids[0] & ids[1]
    assert made.preference_pairs.group_by("prompt_id").len()["len"].max() in (None, *range(1, most + 1))
    balance = made.pair_balance.filter(reason="all").to_dicts()[0]
    assert (balance["pairs"], balance["left_out"]) == (len(ids[0]), len(ids[1]))
    assert balance["length_correlation"] == length_correlation(made.preference_pairs)
    assert abs(balance["length_correlation"] or 0) <= 0.15 + 1e-9


def test_of_very_many_completions_some_are_drawn_to_be_compared() -> None:
    names = [f"{number:03}" for number in range(MOST_COMPARED + 5)]
    scores = [score(name, 1, number / 100) for number, name in enumerate(names)]
    of = answers([completion(name) for name in names], scores)
    using = Training(min_gap=0.01, most_pairs=10_000, max_length_correlation=1)
    made = preference_pairs(of, using)
    every = pl.concat([one.select("chosen_id", "rejected_id") for one in made[:2]])
    drawn = set(every["chosen_id"]) | set(every["rejected_id"])
    assert (len(drawn), len(every)) == (MOST_COMPARED, MOST_COMPARED * (MOST_COMPARED - 1) // 2)
    counted = dict(made.pair_balance.select("reason", "not_compared").iter_rows())
    assert {reason: count for reason, count in counted.items() if count} == {"all": 5, "execution": 5}
    other = preference_pairs(of, using.model_copy(update={"seed": 1}))
    assert set(other.preference_pairs["chosen_id"]) != set(made.preference_pairs["chosen_id"])
