"""Stage reports: how people took part and answered, as tables; nothing is decided by them."""

from datetime import date

import dagster as dg

from assets.metadata import Results, check_specs, finished, table_spec
from assets.raw import raw_key
from dft_pipeline.reports.behaviour import behaviour_reports
from dft_pipeline.reports.participants import Doings
from resources.build import Workplace

BEHAVIOUR, DEMOGRAPHIC = "participant_behaviour", raw_key("demographic")
TABLES = (BEHAVIOUR, "funnel", "behaviour_by_group", "exposure", "demographic_coverage")


@dg.multi_asset(
    name="behaviour_reports",
    specs=[
        table_spec(BEHAVIOUR, "1", (raw_key("user"), raw_key("chat"), "articulations", "votes", "judgments")),
        table_spec("funnel", "1", (BEHAVIOUR, DEMOGRAPHIC)),
        table_spec("behaviour_by_group", "1", (BEHAVIOUR, DEMOGRAPHIC)),
        table_spec("exposure", "1", ("canonical_values", "votes", "judgments")),
        table_spec("demographic_coverage", "1", (BEHAVIOUR, DEMOGRAPHIC)),
    ],
    check_specs=check_specs(TABLES, ()),
)
def reports(context: dg.AssetExecutionContext, workplace: Workplace) -> Results:
    """One row is a participant, a step or a measure in a group, a value in a case, or an answer."""
    day = date.fromisoformat(context.partition_key)
    raw = {name: workplace.admitted(name, day) for name in ("user", "demographic", "chat")}
    made = behaviour_reports(
        raw["user"],
        raw["demographic"],
        workplace.table("canonical_values", day),
        Doings(
            raw["chat"], *(workplace.table(name, day) for name in ("articulations", "votes", "judgments"))
        ),
    )
    yield from finished(workplace, "reports", day, made)
