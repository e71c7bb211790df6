"""Stage training: what a trained model is asked, to see what it has learned."""

from datetime import date

import dagster as dg

from assets.metadata import Results, check_specs, finished, table_spec
from dft_pipeline.training.evaluation_gates import EDGES_HELD_OUT, measured_items
from dft_pipeline.training.evaluation_items import Made, evaluation_items
from resources.build import BuildSettings, Workplace

ITEMS = "evaluation_items"


@dg.multi_asset(
    name="evaluation_items",
    specs=[table_spec(ITEMS, "2", Made._fields)],
    check_specs=check_specs((ITEMS,), (EDGES_HELD_OUT,)),
)
def evaluating(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is a question to put to a model that was trained on the rest."""
    day = date.fromisoformat(context.partition_key)
    made = Made(*(workplace.table(name, day) for name in Made._fields))
    items = evaluation_items(made, build_settings.snapshot.training.seed)
    yield from finished(
        workplace, "evaluation_items", day, {ITEMS: items}, [measured_items(items, made.value_pairs)]
    )
