"""Quality gates judged by Great Expectations, and its Data Docs: pages that say which gate held, and why not.

What belongs here: everything that knows Great Expectations. It sees a frame of one row with a number for
each gate, never what people said. It is imported when first needed, for that takes seconds.

A day's pages lie in `as_of=<day>/`: `index.html`, and per step a page and the validation result as JSON,
which the index is made from. They load nothing from elsewhere and hold no clock.
"""

import json
import logging
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dft_pipeline.gates import NAME, Gate, Measured
from resources.files import write_whole
from resources.problems import UnjudgedGate

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult
    from great_expectations.data_context.types.base import DataContextConfig
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.render.view.view import DefaultJinjaPageView

TEMPLATES = Path(__file__).parent / "pages"
INDEX = "index"
OUTCOMES = FAILS, WARNS, HOLDS = "fails", "warns", "holds"  # of a gate, the worst first
Record = dict[str, Any]  # the validation result of a step, as JSON has it


class Verdict(NamedTuple):
    """Whether a gate holds, and what was found, in words."""

    gate: Gate
    passed: bool
    found: str

    @property
    def outcome(self) -> str:
        if self.passed:
            return HOLDS
        return FAILS if self.gate.blocks else WARNS


def judge(step: str, day: date, measured: Sequence[Measured], docs: Path | None) -> list[Verdict]:
    """The verdict on every gate of a step, in the order given; the day's pages in `docs` say it too.

    Raises UnjudgedGate where Great Expectations stumbles over a gate: that is no verdict.
    """
    if not NAME.fullmatch(step) or step == INDEX:
        raise ValueError(f"a step's name is snake_case and not {INDEX!r}: {step!r}")
    if len({one.gate.key for one in measured}) < len(measured):
        raise ValueError(f"the step {step} has two gates of one name in one asset")
    result = _validation(step, measured)
    passed = _passed(result)
    verdicts = [_verdict(one, passed) for one in measured]
    if docs is not None:
        _write_pages(step, day, result, verdicts, docs)
    return verdicts


def forget(day: date, docs: Path) -> None:
    """Removes a day's pages, for a build that starts the day anew: what it does not reach has no verdict."""
    shutil.rmtree(_folder(day, docs), ignore_errors=True)


# Judging


def _validation(step: str, measured: Sequence[Measured]) -> "ExpectationSuiteValidationResult":
    """The step's suite on the one row of its statistics, in memory: nothing is written, nothing sent."""
    import great_expectations as gx
    import pandas as pd

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral", project_config=_in_memory())
    statistics = context.data_sources.add_pandas("statistics").add_dataframe_asset(step)
    frame = pd.DataFrame({one.gate.key: [one.value] for one in measured}, index=[0])
    batch = statistics.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    return batch.validate(_suite(step, measured), result_format="BASIC")


def _in_memory() -> "DataContextConfig":
    """Without progress bars, analytics or the temporary site that an ephemeral context has by default."""
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )


def _suite(step: str, measured: Sequence[Measured]) -> "ExpectationSuite":
    from great_expectations import ExpectationSuite

    return ExpectationSuite(name=step, expectations=[_expectation(one) for one in measured])


def _expectation(one: Measured) -> "Expectation":
    """The gate's bounds. NaN is null to pandas: a maximum that is null fails, single values that are pass."""
    from great_expectations.expectations.core.expect_column_max_to_be_between import (
        ExpectColumnMaxToBeBetween,
    )
    from great_expectations.expectations.core.expect_column_values_to_be_between import (
        ExpectColumnValuesToBeBetween,
    )
    from great_expectations.expectations.metadata_types import FailureSeverity

    gate = one.gate
    kind = ExpectColumnValuesToBeBetween if one.value is None else ExpectColumnMaxToBeBetween
    severity = FailureSeverity.CRITICAL if gate.blocks else FailureSeverity.WARNING
    return kind(column=gate.key, min_value=gate.low, max_value=gate.high, severity=severity, notes=gate.says)


def _passed(result: "ExpectationSuiteValidationResult") -> dict[str, bool]:
    """Gate → whether it holds."""
    passed = {}
    for one in result.results:
        config = one.expectation_config
        assert config is not None
        key = config.kwargs["column"]
        for error in _errors(one.exception_info or {}):
            raise UnjudgedGate(f"Great Expectations could not judge the gate {key}: {error}")
        passed[key] = bool(one.success)
    return passed


def _errors(info: Mapping[str, Any]) -> list[str]:
    """What was raised inside: it is told once, or once per metric that was computed."""
    told = [info] if "raised_exception" in info else info.values()
    return [one["exception_message"] for one in told if one["raised_exception"]]


def _verdict(one: Measured, passed: Mapping[str, bool]) -> Verdict:
    key = one.gate.key
    if key not in passed:
        raise UnjudgedGate(f"Great Expectations gave no result for the gate {key}")
    return Verdict(one.gate, passed[key], one.found(passed[key]))


# Pages


def _write_pages(
    step: str,
    day: date,
    result: "ExpectationSuiteValidationResult",
    verdicts: Sequence[Verdict],
    docs: Path,
) -> None:
    folder, record = _folder(day, docs), _record(day, result, verdicts)
    _write(folder / f"{step}.json", json.dumps(record, indent=1, ensure_ascii=False))
    _write(folder / f"{step}.html", _step_page(record))
    _write(folder / f"{INDEX}.html", _index_page(day, _records(folder)))


def _write(path: Path, text: str) -> None:
    write_whole(path, text.encode(errors="backslashreplace"))  # half a surrogate pair has no UTF-8


def _record(day: date, result: "ExpectationSuiteValidationResult", verdicts: Sequence[Verdict]) -> Record:
    """The validation result with the verdicts' words, in their order, and the day in place of the clock."""
    record: Record = result.to_json_dict()
    entries = {entry["expectation_config"]["kwargs"]["column"]: entry for entry in record["results"]}
    record["results"] = [entries[one.gate.key] | {"meta": _words(one)} for one in verdicts]
    record["meta"] = {
        "great_expectations_version": record["meta"]["great_expectations_version"],
        "run_id": {"run_name": day.isoformat(), "run_time": f"{day}T00:00:00+00:00"},
    }
    return record


def _words(verdict: Verdict) -> dict[str, str]:
    return {
        "gate": verdict.gate.key,
        "says": verdict.gate.says,
        "outcome": verdict.outcome,
        "found": verdict.found,
    }


def _records(folder: Path) -> list[Record]:
    """The day's steps, by name."""
    return [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]


def _step_page(record: Record) -> str:
    return _page("step.html", record["suite_name"], [record], gates=_worst_first([record]))


def _index_page(day: date, records: Sequence[Record]) -> str:
    steps = [{"step": record["suite_name"], "counts": _counts([record])} for record in records]
    missed = [gate for gate in _worst_first(records) if gate["outcome"] != HOLDS]
    return _page("index.html", f"Gates of {day}", records, missed=missed, steps=steps)


def _worst_first(records: Iterable[Record]) -> list[dict[str, str]]:
    gates = [one["meta"] | {"step": record["suite_name"]} for record in records for one in record["results"]]
    return sorted(gates, key=lambda gate: OUTCOMES.index(gate["outcome"]))


def _counts(records: Iterable[Record]) -> dict[str, int]:
    """How many gates fail, warn and hold."""
    counted = Counter(gate["outcome"] for gate in _worst_first(records))
    return {outcome: counted[outcome] for outcome in OUTCOMES}


def _page(template: str, title: str, records: Sequence[Record], **tables: list[Any]) -> str:
    """A page of Data Docs: a document of tables, one a section, in a template of the project's own."""
    from great_expectations.render.components import (
        RenderedDocumentContent,
        RenderedSectionContent,
        RenderedTableContent,
    )

    sections = [
        RenderedSectionContent([RenderedTableContent(rows)], section_name=name)
        for name, rows in tables.items()
    ]
    document = RenderedDocumentContent(sections, page_title=title)
    page: str = _view().render(document, template, counts=_counts(records), meta=records[0]["meta"])
    return page


@cache
def _view() -> "DefaultJinjaPageView":
    """Great Expectations' view, on templates of the project's own: its own ones load styles from the web."""
    from great_expectations.render.view.view import DefaultJinjaPageView

    return DefaultJinjaPageView(custom_views_directory=str(TEMPLATES))


def _folder(day: date, docs: Path) -> Path:
    return docs / f"as_of={day}"
