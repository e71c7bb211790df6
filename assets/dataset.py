"""Stage dataset: what Γ chose for each prompt, each criterion with its weight, and the manifest."""

from datetime import date

import dagster as dg

from assets.graph import consensus, evidence, exclusions, ranking
from assets.metadata import DAYS, FRESHNESS, OWNERS, Result, Results, check_specs, finished, table_spec
from assets.raw import raw_key
from assets.reports import evaluation, reports
from assets.values import admission, articulation, cards_to_values, embedding, participants_to_voices
from dft_pipeline.dataset import gates, rows
from dft_pipeline.manifest import File, manifest
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.tables import TABLES, Table
from dft_pipeline.values import reading
from dft_pipeline.values.pseudonyms import fingerprint
from resources.build import BuildSettings, Workplace, code_version
from resources.extraction import SET_ASIDE
from resources.lake import published, row_count, sha256

FROM = ("judgments", "votes", "articulations", "canonical_values", "wisdom_edges", "graph_values")


@dg.multi_asset(
    name="training_rows",
    specs=[
        table_spec("reward_rows", "1", (*FROM, raw_key("case"), raw_key("contextsOnCases"))),
        table_spec("rubric_rows", "1", ("reward_rows",)),
    ],
    check_specs=check_specs(("reward_rows", "rubric_rows"), gates.DATASET_GATES),
)
def training_rows(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is a value that Γ chose for a prompt, or a criterion of one (`rubric_rows`)."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot
    snapshot = rows.Snapshot(
        cases=workplace.admitted("case", day),
        links=reading.links(workplace.admitted("contextsOnCases", day)),
        **{name: workplace.table(name, day) for name in FROM},
    )
    reward = rows.reward_rows(snapshot, settings.policy.name, settings.aggregation)
    rubric = rows.rubric_rows(reward)
    measured = gates.measured_rows(reward, rubric, snapshot.canonical_values, snapshot.wisdom_edges)
    yield from finished(
        workplace, "dataset_rows", day, {"reward_rows": reward, "rubric_rows": rubric}, measured
    )


# The raw tables that the assets of a snapshot read.
READ = sorted(
    {
        dep.asset_key.path[1]
        for asset in (
            admission,
            articulation,
            embedding,
            cards_to_values,
            participants_to_voices,
            consensus,
            evidence,
            exclusions,
            ranking,
            training_rows,
            reports,
            evaluation,
        )
        for spec in asset.specs
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
    files = [_table_file(workplace, table, day) for table in TABLES.values()]
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
    workplace.publish(day, content)
    return dg.MaterializeResult(
        metadata={
            "files": len(files),
            "raw_files": len(content["raw_files"]),
            "missing_evidence": content["missing_evidence"],
            "settings": content["settings"],
        }
    )


def _table_file(workplace: Workplace, table: Table, day: date) -> File:
    content = workplace.lake.content_in_build(table.name, day)
    return File(published(table.name, day), sha256(content), row_count(content), table.grain)


def _raw_files(workplace: Workplace, name: str, day: date) -> list[File]:
    grain = SOURCE_TABLES[name].grain if name in SOURCE_TABLES else TABLES[SET_ASIDE].grain
    return [
        File(file.path, sha256(workplace.lake.read(file.path)), file.rows, grain)
        for file in workplace.raw_files(name, day)
    ]
