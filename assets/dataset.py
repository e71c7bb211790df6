"""Stage dataset: what Γ chose for each prompt, each criterion with its weight, and the manifest."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from assets.completions import completions
from assets.evaluating import evaluating
from assets.graph import consensus, evidence, exclusions, ranking
from assets.lineage import lineage
from assets.metadata import (
    DAYS,
    FRESHNESS,
    OWNERS,
    Result,
    Results,
    check_specs,
    finished,
    picture,
    table_spec,
)
from assets.pairs import pairs
from assets.raw import raw_key
from assets.reports import evaluation, reports
from assets.retries import retried
from assets.scores import scores
from assets.values import admission, articulation, cards_to_values, embedding, participants_to_voices
from dft_pipeline.dataset import gates, rows
from dft_pipeline.dataset.aggregations import aggregations
from dft_pipeline.dataset.coverage_by_h import ENOUGH, advice
from dft_pipeline.dataset.gradient import gradients
from dft_pipeline.dataset.moral_similarity import World, prompt_contexts
from dft_pipeline.dataset.prompt_contexts import staying
from dft_pipeline.dataset.questions import Snapshot, numbered, participants
from dft_pipeline.dataset.similarity_agreement import similarity_agreement
from dft_pipeline.dataset.value_pairs import balanced_pairs, value_pairs
from dft_pipeline.figures_by_group import People, figures_by_group
from dft_pipeline.graph.disputes import erased_votes
from dft_pipeline.manifest import File, manifest
from dft_pipeline.plots import coverage_plot
from dft_pipeline.policies import ConsensusPolicy
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.tables import TABLES
from dft_pipeline.values import reading
from dft_pipeline.values.further_prompts import user_turns
from dft_pipeline.values.pseudonyms import fingerprint
from resources.build import BuildSettings, Workplace, code_version
from resources.extraction import SET_ASIDE
from resources.lake import json_bytes, manifest_path, sha256
from resources.language_model import POOL

FROM = (
    "judgments",
    "votes",
    "articulations",
    "canonical_values",
    "wisdom_edges",
    "graph_values",
    "contested",
    "edge_evidence",
)
OF_CASES = (*FROM, raw_key("case"), raw_key("contextsOnCases"))
COMPARED: tuple[dg.AssetKey | str, ...] = (
    "set_aside",
    *map(raw_key, ("case", "context", "contextsOnCases", "furtherPrompt")),
)
PAIRED = ("wisdom_edges", "canonical_values", "contested", raw_key("case"), raw_key("contextsOnCases"))


@dg.multi_asset(
    name="moral_similarity",
    specs=[
        table_spec("prompt_contexts", "2", COMPARED),
        table_spec("similarity_agreement", "1", (*COMPARED, "prompt_contexts", raw_key("contextLabel"))),
    ],
    check_specs=check_specs(("prompt_contexts", "similarity_agreement"), gates.PROMPT_GATES),
    pool=POOL,
)
def moral_similarity(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is a case or context of a prompt, or how well such are found (`similarity_agreement`)."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot.similarity
    links = reading.links(workplace.admitted("contextsOnCases", day))
    world = World(workplace.admitted("case", day), links, workplace.admitted("context", day)["id"])
    turns = user_turns(workplace.admitted("furtherPrompt", day))
    run_id = context.run.run_id
    with (
        workplace.embedder(settings.embed_model, run_id) as embedder,
        workplace.context_judge(run_id, context.log.warning) as judge,
    ):
        found = prompt_contexts(turns, world, embedder.embed, settings, judge)
        labels = workplace.admitted("contextLabel", day)
        agreement = similarity_agreement(found, labels, world, embedder.embed, settings, judge)
    tables = {"prompt_contexts": found, "similarity_agreement": agreement}
    measured = gates.measured_prompts(turns, found)
    yield from finished(workplace, "dataset_prompts", day, tables, measured)


@dg.multi_asset(
    name="training_rows",
    specs=[
        table_spec("reward_rows", "4", (*OF_CASES, "prompt_contexts")),
        table_spec("rubric_rows", "4", ("reward_rows",)),
        table_spec("value_pairs", "3", (*PAIRED, "prompt_contexts", "edge_evidence")),
        table_spec("balanced_pairs", "2", (*PAIRED, "prompt_contexts", "pair_tallies")),
    ],
    check_specs=check_specs(
        ("reward_rows", "rubric_rows", "value_pairs", "balanced_pairs"),
        (*gates.DATASET_GATES, *gates.PAIR_GATES),
    ),
)
def training_rows(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is a value that Γ chose for a prompt, a criterion of one, or two values that were compared."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot
    snapshot = _snapshot(workplace, day, settings.policy)
    prompts = workplace.table("prompt_contexts", day)
    reward = rows.reward_rows(
        snapshot, settings.policy.name, settings.aggregation, settings.evidence, prompts
    )
    rubric = rows.rubric_rows(reward)
    measured = gates.measured_rows(reward, rubric, snapshot.canonical_values, snapshot.wisdom_edges)
    own = snapshot._replace(cases=staying(snapshot.cases, prompts))
    pairs = value_pairs(own)
    balanced = balanced_pairs(own, workplace.table("pair_tallies", day), settings.policy)
    yield from finished(
        workplace,
        "dataset_rows",
        day,
        {
            "reward_rows": reward,
            "rubric_rows": rubric,
            "value_pairs": pairs,
            "balanced_pairs": balanced,
        },
        [*measured, *gates.measured_pairs(own, pairs, balanced)],
    )


# Together, for what one of them shows of groups, the next one weighs.
BY_GROUP = (
    "coverage_by_h",
    "group_answers",
    "group_votes",
    "group_consensus",
    "group_directions",
    "survey_by_group",
    "funnel",
    "behaviour_by_group",
    "demographic_coverage",
)
OF_GROUPS = (
    *OF_CASES,
    "pair_tallies",
    "participant_behaviour",
    raw_key("demographic"),
    raw_key("survey_answers"),
)


@dg.multi_asset(
    name="figures_by_group",
    specs=[
        table_spec("aggregations", "1", OF_CASES),
        *(table_spec(name, "2", OF_GROUPS) for name in BY_GROUP),
    ],
    check_specs=check_specs(("aggregations", *BY_GROUP), ()),
)
def groups(context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings) -> Results:
    """One row is a figure of a group, or a value that an aggregation puts among the best (`aggregations`)."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot
    snapshot = _snapshot(workplace, day, settings.policy)
    every = list(gradients(numbered(snapshot), settings.aggregation))
    people = People(
        workplace.admitted("demographic", day),
        workplace.admitted("survey_answers", day),
        workplace.table("participant_behaviour", day),
        snapshot.judgments,
        snapshot.votes,
        workplace.table("pair_tallies", day),
        snapshot.contested,
        snapshot.links,
        every,
        participants(snapshot),
    )
    tables = {
        "aggregations": aggregations(every, snapshot.canonical_values, settings.aggregation),
        **figures_by_group(people, settings.policy),
    }
    told = {"coverage_by_h": _told(tables["coverage_by_h"])}
    yield from finished(workplace, "figures_by_group", day, tables, told=told)


def _told(coverage: pl.DataFrame) -> Mapping[str, Any]:
    """The plot, and the recommended h of each case with the groups that had no say in it."""
    return {
        "coverage": picture(coverage_plot(coverage, ENOUGH)),
        "recommended_h": dg.MetadataValue.md(advice(coverage)),
    }


def _snapshot(workplace: Workplace, day: date, policy: ConsensusPolicy) -> Snapshot:
    links = reading.links(workplace.admitted("contextsOnCases", day))
    tables = {name: workplace.table(name, day) for name in FROM}
    return Snapshot(
        cases=workplace.admitted("case", day),
        links=links,
        **tables,
        erased_votes=erased_votes(tables["contested"], tables["judgments"], links, policy),
    )


# The steps that make the tables of a snapshot.
STEPS = (
    admission,
    articulation,
    embedding,
    cards_to_values,
    participants_to_voices,
    consensus,
    evidence,
    exclusions,
    ranking,
    moral_similarity,
    training_rows,
    completions,
    scores,
    pairs,
    evaluating,
    lineage,
    reports,
    evaluation,
    groups,
)
# The raw tables that they read.
READ = sorted(
    {
        dep.asset_key.path[1]
        for step in STEPS
        for spec in step.specs
        for dep in spec.deps
        if dep.asset_key.path[0] == "raw"
    }
)


@dg.asset(
    key="manifest",
    deps=[*TABLES, *map(raw_key, READ)],
    group_name="dataset",
    owners=OWNERS,
    kinds={"json"},
    code_version="1",
    partitions_def=DAYS,
    freshness_policy=FRESHNESS["dataset"],
)
def snapshot_manifest(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Result:
    """One file names all files of the snapshot and all raw files it read; written last, it publishes them."""
    day = date.fromisoformat(context.partition_key)
    files = [workplace.file(name, day) for name in TABLES]
    raw_files = {name: _raw_files(workplace, name, day) for name in READ}
    content = manifest(
        str(day),
        build_settings.snapshot,
        files,
        [file for of_table in raw_files.values() for file in of_table],
        {name: sum(file.rows for file in of_table) for name, of_table in raw_files.items()},
        fingerprint(workplace.settings.key()),
        code_version(),
    )
    workplace.publish(day, content, build_settings.reason)
    return dg.MaterializeResult(
        metadata={
            "files": len(files),
            "raw_files": len(content["raw_files"]),
            "missing_evidence": content["missing_evidence"],
            "settings": content["settings"],
            "manifest": manifest_path(day),
            "manifest_sha256": sha256(json_bytes(content)),
        }
    )


@dg.asset(
    key="sql_views",
    deps=["manifest"],
    group_name="dataset",
    owners=OWNERS,
    kinds={"postgres"},
    code_version="1",
    partitions_def=DAYS,
    freshness_policy=FRESHNESS["dataset"],
)
def sql_views(context: dg.AssetExecutionContext, workplace: Workplace) -> Result:
    """One row is a row of a table of the newest snapshot, in PostgreSQL as views of the schema `dft`."""
    with retried(context):
        shown = workplace.show()
        return dg.MaterializeResult(
            metadata={
                "shown": str(shown.as_of),
                "manifest_sha256": shown.manifest_sha256,
                "rows_loaded": shown.rows,
            }
        )


def _raw_files(workplace: Workplace, name: str, day: date) -> list[File]:
    grain = SOURCE_TABLES[name].grain if name in SOURCE_TABLES else TABLES[SET_ASIDE].grain
    return [
        File(file.path, sha256(workplace.lake.read(file.path)), file.rows, grain)
        for file in workplace.raw_files(name, day)
    ]
