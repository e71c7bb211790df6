"""Budgets and waits of the language model: what is estimated, what is refused, how long a server asks for."""

import pytest

from resources.language_model.budget import Budget, OverBudget, Use, estimated_tokens, price_of, used
from resources.language_model.faults import asked_wait
from resources.settings import Price

DATE = "Sun, 22 Nov 2026 10:00:00 GMT"


def test_a_snapshot_of_a_model_has_its_price() -> None:
    assert price_of("gpt-4.1-mini-2025-04-14") == price_of("gpt-4.1-mini") == Price(0.4, 1.6)
    assert price_of("gpt-4.1-mini", Price(1, 2)) == Price(1, 2)
    assert price_of("our-own-model") is None


def test_what_is_used_adds_up_and_an_unknown_price_stays_unknown() -> None:
    known = used(1_000_000, 500_000, Price(0.4, 1.6))
    assert known == Use(1_000_000, 500_000, pytest.approx(1.2))
    assert used(1, 2, None).plus(used(3, 4, None)) == Use(4, 6, None)
    assert used(1, 2, None).plus(known).cost == pytest.approx(1.2)


def test_an_estimate_is_a_token_for_four_bytes() -> None:
    assert estimated_tokens(["12345678", "1"]) == 3
    assert estimated_tokens(["聞く聞く"]) == 3
    assert estimated_tokens([]) == 0


def test_an_estimate_above_the_budget_is_refused_with_both() -> None:
    budget = Budget(1000, 0.5, Use(300, 100, 0.1))
    budget.refuse(Use(300, 300, 0.4), "asking")
    with pytest.raises(OverBudget) as refused:
        budget.refuse(Use(300, 301, None), "asking `same_value` of 2 items")
    assert str(refused.value) == (
        "asking `same_value` of 2 items would take about 601 tokens, at a price that is not known; "
        "the run may use 1,000 tokens (DFT_MAX_RUN_TOKENS) and has used 400"
    )
    with pytest.raises(OverBudget) as refused:
        budget.refuse(Use(1, 1, 0.41), "asking")
    assert str(refused.value) == (
        "asking would take about 2 tokens, 0.4100 US dollars; "
        "the run may use 0.5 US dollars (DFT_MAX_RUN_COST) and has used 0.1000"
    )


def test_a_budget_is_spent_at_its_bound() -> None:
    budget = Budget(100, 1.0)
    assert budget.spent() is None
    budget.add(Use(50, 49, 0.99))
    assert budget.spent() is None
    budget.add(Use(1, 0, None))
    assert budget.spent() == "the run may use 100 tokens (DFT_MAX_RUN_TOKENS) and has used 100"
    dear = Budget(1000, 1.0, Use(1, 1, 1.5))
    assert dear.spent() == "the run may use 1 US dollars (DFT_MAX_RUN_COST) and has used 1.5000"


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "86400"}, 120),
        ({"retry-after": "-1"}, 0),
        ({"retry-after": "inf"}, 120),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:09 GMT", "date": DATE}, 9),
        ({"retry-after": "Sun, 22 Nov 2026 09:00:00 GMT", "date": DATE}, 0),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:09 GMT"}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], wait_s: float | None) -> None:
    assert asked_wait(headers) == wait_s
