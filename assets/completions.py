"""Stage training: answers to the prompts, loaded or written, and the questions that are still open."""

from datetime import date

import dagster as dg

from assets.metadata import Results, check_specs, finished, table_spec
from assets.raw import raw_key
from dft_pipeline.training import completions as training
from dft_pipeline.training.completion_gates import COMPLETION_GATES, measured_completions, measured_requests
from dft_pipeline.values.further_prompts import user_turns
from dft_pipeline.values.loaded_completions import answered, known_prompts
from resources.build import BuildSettings, Workplace
from resources.language_model import POOL

SNAPSHOT = ("prompt_contexts", "reward_rows", "wisdom_edges", "canonical_values")
LOADED: tuple[dg.AssetKey | str, ...] = (
    "set_aside",
    *map(raw_key, ("completion", "case", "context", "furtherPrompt")),
)


@dg.multi_asset(
    name="completions",
    specs=[table_spec(name, "1", (*SNAPSHOT, *LOADED)) for name in ("completions", "completion_requests")],
    check_specs=check_specs(("completions", "completion_requests"), COMPLETION_GATES),
    pool=POOL,
)
def completions(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is an answer to a prompt, or a question that has no answer yet (`completion_requests`)."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot
    snapshot = {name: workplace.table(name, day) for name in SNAPSHOT}
    world = training.World(**snapshot, contexts=workplace.admitted("context", day)["id"])
    turns = user_turns(workplace.admitted("furtherPrompt", day))
    prompts = known_prompts(workplace.admitted("case", day), turns)
    loaded = answered(workplace.admitted("completion", day), prompts)
    with workplace.completion_writer(context.run.run_id, context.log.warning) as ask:
        made = training.completions(loaded, world, settings.training, ask)
    # Whether there is a model stands in the settings only by what it does, with completions and without.
    of_requests = measured_requests(made.requests, settings.judges_prompts)
    measured = [*measured_completions(made.completions, world), *of_requests]
    tables = {"completions": made.completions, "completion_requests": made.requests}
    yield from finished(workplace, "training_completions", day, tables, measured)
