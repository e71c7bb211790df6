"""A Dagster logger for a person at a terminal: a line per finished table, failed checks, failed steps."""

import logging
from typing import Any

import dagster as dg
from rich.console import Console
from rich.markup import escape

from assets.notices import innermost
from resources.patience import again


class _Terminal(logging.Handler):
    """Says what a run's events mean; leaves out what only a developer of Dagster would miss."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        line = _said(record, meta) if event is None else _line(event)
        if line:
            self.console.print(line, highlight=False, soft_wrap=True)


def _said(record: logging.LogRecord, meta: dict[str, Any]) -> str | None:
    """A warning of the project's own: what the beginning of the run waits for."""
    if record.levelno != logging.WARNING:
        return None
    return _again(str(meta.get("orig_message") or record.getMessage()))


def _line(event: dg.DagsterEvent) -> str | None:
    match event.event_type_value:
        case "ASSET_MATERIALIZATION":
            return _materialized(event)
        case "ASSET_CHECK_EVALUATION":
            return _checked(event)
        case "STEP_UP_FOR_RETRY":
            return _again(f"{event.step_key}: {_retry(event)}")
        case "STEP_FAILURE":
            return f"[red]  ✗ {event.step_key}[/red]"
        case _:
            return None


def _materialized(event: dg.DagsterEvent) -> str:
    materialization = event.step_materialization_data.materialization
    rows = materialization.metadata.get("dagster/row_count")
    name = materialization.asset_key.to_user_string()
    return f"  [green]✓[/green] {name:<28} {rows.value:>12,} rows" if rows else f"  [green]✓[/green] {name}"


def _checked(event: dg.DagsterEvent) -> str | None:
    evaluation = event.asset_check_evaluation_data
    if evaluation.passed:
        return None
    found = evaluation.metadata["found"].value if "found" in evaluation.metadata else ""
    name = f"{evaluation.asset_key.to_user_string()}: {evaluation.check_name}"
    mark = "[yellow]![/yellow]" if evaluation.severity == dg.AssetCheckSeverity.WARN else "[red]✗[/red]"
    return f"  {mark} {name}: {escape(str(found))}"


def _retry(event: dg.DagsterEvent) -> str:
    data = event.step_retry_data
    return again(innermost(data.error), data.seconds_to_wait or 0)


def _again(why: str) -> str:
    return f"  [yellow]↻[/yellow] {escape(why)}"


def _logger(_: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("dft.progress", logging.DEBUG)
    logger.addHandler(_Terminal(Console(stderr=True)))
    return logger


progress_logger = dg.LoggerDefinition(_logger, description="For a person at a terminal.")
