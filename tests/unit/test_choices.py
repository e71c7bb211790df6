"""What Γ chooses, several h side by side: the training rows of each h, in Γ's order."""

import polars as pl
import strategies as some
from hypothesis import given, settings
from test_rows import a_public

from dft_pipeline.dataset.choices import CHOICES, choices
from dft_pipeline.dataset.gamma import gamma
from dft_pipeline.dataset.questions import numbered, questions
from dft_pipeline.dataset.rows import reward_rows
from dft_pipeline.policies import DEFAULT, Aggregation

LENIENT = Aggregation(h=1, min_participants=1, min_share=0.1)
ACYCLIC = some.EASY.model_copy(update={"unwind": DEFAULT.unwind})


@settings(max_examples=3)
@given(some.publics())
def test_side_by_side_as_one_by_one(public: some.Public) -> None:
    snapshot = some.snapshot(public, ACYCLIC)
    found = choices(snapshot, LENIENT, (None, 1))
    assert found.schema == CHOICES
    one_by_one = [
        (case, context, h, place, value_id)
        for case, context, asked in questions(numbered(snapshot))
        for h in (1, None)
        for place, value_id in enumerate(
            gamma(asked, LENIENT.model_copy(update={"h": h}))["value_id"].to_list(), start=1
        )
    ]
    assert found.select("case_id", "context_id", "h", "place", "value_id").rows() == one_by_one
    trained = reward_rows(snapshot, "any", LENIENT)
    rows = found.filter(h=1).drop("place")
    assert sorted(rows.rows(), key=str) == sorted(trained.select(rows.columns).rows(), key=str)


def test_no_case_no_choices() -> None:
    public = a_public()._replace(cases=pl.DataFrame(schema=some.RAW_CASES))
    found = choices(some.snapshot(public, ACYCLIC), LENIENT, (0, None))
    assert found.equals(CHOICES.to_frame())
