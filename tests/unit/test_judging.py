"""Answers of a judge that nobody asked for, or that contradict each other, decide nothing."""

from collections.abc import Sequence

import pytest

from dft_pipeline.values.judging import Card, Pair, Verdict, judged

A, B, C, D = Card("canonical", 9), Card("card", 1), Card("card", 2), Card("card", 3)
PAIRS = [Pair(A, B, 0.9), Pair(A, C, 0.5), Pair(B, C, 0.4)]


def _said(first: Card, second: Card, verdict: object = "same") -> Verdict:
    return Verdict(first, second, verdict, "model-1", "because")  # type: ignore[arg-type]


def _verdicts(*answers: Verdict, pairs: Sequence[Pair] = PAIRS) -> list[str]:
    return [one.verdict for one in judged(pairs, lambda asked: answers, "offline-1").verdicts]


def test_good_answers_are_taken_in_the_order_of_the_pairs() -> None:
    answers = [_said(B, C, "different"), _said(A, B), _said(A, C, "unsure")]
    found = judged(PAIRS, lambda asked: answers, "offline-1")
    assert found.verdicts == [answers[1], answers[2], answers[0]]
    assert found.set_aside == {}


def test_a_pair_the_other_way_round_is_the_same_pair() -> None:
    assert _verdicts(_said(B, A), _said(C, A), _said(C, B)) == ["same", "same", "same"]


@pytest.mark.parametrize(
    ("answers", "counts"),
    [
        ([_said(A, D)], {"no_answer": 3, "unknown_pair": 1}),
        ([_said(A, A)], {"no_answer": 3, "unknown_pair": 1}),
        ([_said(A, B), _said(A, B)], {"answered_twice": 2, "no_answer": 2}),
        ([_said(A, B), _said(B, A, "different")], {"answered_twice": 2, "no_answer": 2}),
        ([_said(A, B, "yes")], {"no_answer": 2, "unknown_verdict": 1}),
        ([_said(A, B, None)], {"no_answer": 2, "unknown_verdict": 1}),
        ([], {"no_answer": 3}),
    ],
)
def test_impossible_answers_are_counted_and_never_trusted(
    answers: list[Verdict], counts: dict[str, int]
) -> None:
    found = judged(PAIRS, lambda asked: answers, "offline-1")
    assert [one.verdict for one in found.verdicts] == ["unsure"] * 3
    assert {one.judge for one in found.verdicts} == {"offline-1"}
    assert found.set_aside == counts


def test_one_bad_answer_leaves_the_others_alone() -> None:
    assert _verdicts(_said(A, B), _said(A, C), _said(C, A), _said(D, D)) == ["same", "unsure", "unsure"]


def test_nobody_is_asked_about_nothing() -> None:
    def judge(pairs: Sequence[Pair]) -> Sequence[Verdict]:
        raise AssertionError

    assert judged([], judge, "offline-1").verdicts == []
