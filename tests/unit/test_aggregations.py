"""The best values by other ways than Γ, and minority wisdom, written out with dictionaries."""

from statistics import quantiles

import polars as pl
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from test_gamma import plain_counts, plain_gamma, plain_question

from dft_pipeline.dataset.aggregations import aggregations
from dft_pipeline.dataset.gamma import Question
from dft_pipeline.dataset.gradient import gradient_length, gradients
from dft_pipeline.dataset.questions import numbered
from dft_pipeline.policies import Aggregation

Scores = dict[int, float]


def plain_best(scores: Scores, top_k: int) -> list[int]:
    scored = [value for value, score in scores.items() if score > 0]
    return sorted(scored, key=lambda value: (-scores[value], value))[:top_k]


def plain_wilson(votes: int, shown: int) -> float:
    """Lower bound of the 95 % interval (Wilson, 1927); 0 where it is no share."""
    z, share = 1.959963984540054, votes / shown if shown else 0
    if not shown or share > 1:
        return 0
    root = (share * (1 - share) / shown + z * z / (4 * shown * shown)) ** 0.5
    return (share + z * z / (2 * shown) - z * root) / (1 + z * z / shown)


def received(asked: Question) -> dict[int, tuple[int, int]]:
    """Votes and showings by value."""
    rows = asked.votes.select("value_id", "is_vote").rows()
    return {value: (rows.count((value, True)), rows.count((value, False))) for value in some.VALUES}


def plain_minority(asked: Question, using: Aggregation) -> set[int]:
    met = {value: counts for value, counts in received(asked).items() if counts[1]}
    rates = {value: votes / shown for value, (votes, shown) in met.items()}
    few = {
        value
        for value in met
        if met[value][1] <= quarter([shown for _, shown in met.values()], 0)
        and rates[value] >= quarter(list(rates.values()), 2)
    }
    at = {
        h: {int(row[0]) for row in plain_gamma(asked, using.model_copy(update={"h": h}))}
        for h in range(gradient_length(asked.edges) + 1)
    }
    first = {v: n for v, n in plain_counts(asked, using.model_copy(update={"h": 0}))[0].items() if n}
    low = {value for value, n in first.items() if n <= quarter(list(first.values()), 0)}
    later = set().union(*(chosen for h, chosen in at.items() if h))
    return few | {value for value in later if value not in at[0] or value in low}


def quarter(numbers: list[float], which: int) -> float:
    """The lower (0) or upper (2) quartile; a little leeway for rounding."""
    found = quantiles(numbers, n=4, method="inclusive")[which] if len(numbers) > 1 else numbers[0]
    return found + (1e-12 if which == 0 else -1e-12)


@settings(max_examples=5)
@given(some.publics(), some.aggregations(st.sampled_from((0, 1, None))))
def test_the_best_read_plainly(public: some.Public, using: Aggregation) -> None:
    snapshot = some.snapshot(public, some.EASY)
    table = aggregations(gradients(numbered(snapshot), using), public.canonical_values, using)
    for case in some.CASES:
        asked = plain_question(snapshot, case, None)
        found = {
            name: rows.sort("rank") for (name,), rows in table.filter(case_id=case).group_by("aggregation")
        }
        best = {name: rows["value_id"].to_list() for name, rows in found.items()}
        assert all(rows["rank"].to_list() == [*range(1, len(rows) + 1)] for rows in found.values())
        met = received(asked)
        wisdom = dict(asked.nodes.select("value_id", "wisdom").iter_rows())
        edges = asked.edges.select("source_value_id", "wiser_value_id").rows()
        sinks = {b for _, b in edges} - {a for a, _ in edges}
        expected = {
            "gamma": [int(value) for value, *_ in plain_gamma(asked, using)],
            "votes": plain_best({value: votes for value, (votes, _) in met.items()}, using.top_k),
            "vote_rate": plain_best({v: plain_wilson(*counts) for v, counts in met.items()}, using.top_k),
            "wisdom": plain_best(wisdom, using.top_k),
            "pagerank": plain_best(dict(asked.nodes.select("value_id", "pagerank").iter_rows()), using.top_k),
            "sinks": plain_best({value: wisdom[value] for value in sinks}, using.top_k),
        }
        minority = plain_minority(asked, using)
        assert set(best.pop("minority_wisdom", [])) == minority
        assert best == {name: values for name, values in expected.items() if values}
        marked = table.filter(pl.col("is_minority_wisdom"), case_id=case)
        assert set(marked["value_id"]) == minority


def test_minority_wisdom_by_hand() -> None:
    """20 was shown to one, who voted for it; 7 is raised by an edge; 3 and 101 are neither."""
    people = some.PEOPLE
    ballots = [some.vote(people[0], 20, "weed", is_vote) for is_vote in (True, False)]
    ballots += [some.vote(person, value, "weed", False) for person in people[1:9] for value in (3, 7, 101)]
    ballots += [some.vote(person, 3, "weed") for person in people[1:5]]
    ballots += [some.vote(people[1], 101, "weed")]
    judged = [some.judgment(person, 3, 7, "upgrade") for person in people[9:11]]
    public = some.Public(
        some.frame("judgments", judged),
        pl.DataFrame([(some.CONTEXTS[0], "weed")], schema=some.LINKS, orient="row"),
        some.frame("votes", ballots),
        some.frame("articulations", []),
        some.frame("canonical_values", [some.a_value(value, 1) for value in some.VALUES]),
        pl.DataFrame([("weed", "What about weed?")], schema=some.RAW_CASES, orient="row"),
        pl.DataFrame(schema=some.GROUPS),
    )
    using = Aggregation(h=1, min_participants=3)
    snapshot = some.snapshot(public, some.EASY)
    table = aggregations(gradients(numbered(snapshot), using), public.canonical_values, using)
    minority = table.filter(aggregation="minority_wisdom")
    assert minority.select("rank", "value_id", "shown", "support").rows() == [(1, 20, 1, 1), (2, 7, 8, 6)]
    assert minority["score"].to_list() == pytest.approx([plain_wilson(1, 1), 0.0])
    assert table.filter(aggregation="gamma").select("value_id", "is_minority_wisdom").rows() == [(7, True)]


def test_no_case_no_rows() -> None:
    nothing = aggregations([], some.frame("canonical_values", []), Aggregation())
    assert nothing.is_empty()
