"""Preference pairs of completions, and what may not stand on two sides of the split."""

from datetime import date

import dagster as dg

from assets.metadata import Results, check_specs, finished, table_spec
from dft_pipeline.training.candidates import Answers
from dft_pipeline.training.pair_gates import PREFERENCE_GATES, measured_preferences
from dft_pipeline.training.pairs import Pairs, preference_pairs
from resources.build import BuildSettings, Workplace
from resources.language_model import POOL


@dg.multi_asset(
    name="pairs",
    specs=[
        table_spec("preference_pairs", "1", Answers._fields),
        *(table_spec(name, "1", Answers._fields) for name in Pairs._fields[1:]),
    ],
    check_specs=check_specs(Pairs._fields, PREFERENCE_GATES),
    pool=POOL,
)
def pairs(context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings) -> Results:
    """One row is two completions of a prompt, a pair that was left out, or a reason with its balance."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot
    of = Answers(*(workplace.table(name, day) for name in Answers._fields))
    made = preference_pairs(of, settings.training)
    with workplace.embedder(settings.similarity.embed_model, context.run.run_id) as embedder:
        measured = measured_preferences(made, of, embedder.embed, settings.similarity, settings.training)
    yield from finished(workplace, "training_pairs", day, made._asdict(), measured)
