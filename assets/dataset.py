"""Stage dataset: what Γ chose for each prompt, each criterion with its weight, and the manifest."""

from datetime import date

import dagster as dg

from assets.graph import consensus, ranking
from assets.metadata import DAYS, OWNERS, Result, Results, check, checked, finished, key_check, table_spec
from assets.raw import raw_key
from assets.reports import reports
from assets.values import cards_to_values, participants_to_voices
from dft_pipeline.dataset import rows
from dft_pipeline.manifest import File, manifest
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.tables import TABLES, Table
from dft_pipeline.values import reading
from dft_pipeline.values.pseudonyms import fingerprint
from resources.build import BuildSettings, Workplace, code_version
from resources.extraction import SET_ASIDE
from resources.lake import published, row_count, sha256

FROM = ("judgments", "votes", "articulations", "canonical_values", "wisdom_edges", "graph_values")
NOT_EMPTY, IN_SNAPSHOT, WEIGHTS = "not_empty", "points_into_this_snapshot", "weights_sum_to_one"


@dg.multi_asset(
    name="training_rows",
    specs=[
        table_spec("reward_rows", "1", (*FROM, raw_key("case"), raw_key("contextsOnCases"))),
        table_spec("rubric_rows", "1", ("reward_rows",)),
    ],
    check_specs=[
        *map(key_check, ("reward_rows", "rubric_rows")),
        check("reward_rows", NOT_EMPTY, "there are rows"),
        check("reward_rows", IN_SNAPSHOT, "every row points at a value and edges of this snapshot"),
        check("rubric_rows", WEIGHTS, "a prompt's weights sum to 1"),
    ],
)
def training_rows(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Results:
    """One row is a value that Γ chose for a prompt, or a criterion of one (`rubric_rows`)."""
    day, settings = date.fromisoformat(context.partition_key), build_settings.snapshot
    snapshot = rows.Snapshot(
        cases=workplace.raw("case", day),
        links=reading.links(workplace.raw("contextsOnCases", day)),
        **{name: workplace.table(name, day) for name in FROM},
    )
    reward = rows.reward_rows(snapshot, settings.policy.name, settings.aggregation)
    rubric = rows.rubric_rows(reward)
    astray = rows.astray(reward, snapshot.canonical_values, snapshot.wisdom_edges)
    uneven = rows.uneven_prompts(rubric)
    yield finished(
        workplace,
        day,
        "reward_rows",
        reward,
        checked("reward_rows", NOT_EMPTY, not reward.is_empty(), f"{len(reward)} rows"),
        checked("reward_rows", IN_SNAPSHOT, not astray, f"rows that do not: {astray or 'none'}"),
    )
    yield finished(
        workplace,
        day,
        "rubric_rows",
        rubric,
        checked("rubric_rows", WEIGHTS, not uneven, f"prompts whose do not: {uneven or 'none'}"),
    )


# The raw tables that the assets of a snapshot read.
READ = sorted(
    {
        dep.asset_key.path[1]
        for asset in (cards_to_values, participants_to_voices, consensus, ranking, training_rows, reports)
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
)
def snapshot_manifest(
    context: dg.AssetExecutionContext, workplace: Workplace, build_settings: BuildSettings
) -> Result:
    """One file names all files of the snapshot and all raw files it read; written last, it publishes them."""
    day, lake = date.fromisoformat(context.partition_key), workplace.lake
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
    lake.publish(day, content)
    lake.sweep_raw()
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
