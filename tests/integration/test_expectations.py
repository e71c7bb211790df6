"""Great Expectations' verdicts on gates, and the pages that tell of them."""

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from dft_pipeline.gates import Gate, Measured
from resources.expectations import Verdict, forget, judge
from resources.problems import UnjudgedGate

DAY = date(2024, 1, 14)
MARKUP = "<script>alert('$PARAMETER')</script>"


def measured(
    value: float | None, name: str = "keys_unique", rows: tuple[str, ...] = (), **gate: Any
) -> Measured:
    bounds = {} if {"low", "high"} & gate.keys() else {"high": 0}
    declared = {"asset": "raw/edge", "says": "no two rows have the same key"} | bounds | gate
    return Measured(Gate(name, **declared), value, rows)


def verdict(value: float | None, **gate: Any) -> Verdict:
    (only,) = judge("consensus", DAY, [measured(value, **gate)], None)
    return only


def passes(value: float | None, **gate: Any) -> bool:
    return verdict(value, **gate).passed


class Page(HTMLParser):
    """What a page asks a browser to load or to follow, its tags, and its text in pieces."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.links, self.tags, self.texts = path, [], [], []
        self.classes: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        self.links += [named[name] for name in ("src", "href", "action", "data", "srcset") if name in named]
        self.classes += (named.get("class") or "").split()

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return tmp_path / "docs"


def page(docs: Path, name: str) -> Page:
    return Page(docs / f"as_of={DAY}" / f"{name}.html")


def contents(docs: Path) -> dict[str, bytes]:
    return {str(path.relative_to(docs)): path.read_bytes() for path in docs.rglob("*") if path.is_file()}


# Verdicts


def test_verdicts_come_in_the_order_of_the_gates_with_their_words() -> None:
    edge, vote = measured(2, rows=("12", "15")), measured(0, asset="raw/vote")
    assert judge("consensus", DAY, [edge, vote], None) == [
        Verdict(edge.gate, False, "2 rows (0 allowed): 12, 15; look at raw/edge"),
        Verdict(vote.gate, True, "0 rows"),
    ]


@pytest.mark.parametrize(
    ("low", "high", "inside", "outside"),
    [
        (None, 0, [0, -1, -inf], [1, 1e-9, inf, 2**60]),
        (1, None, [1, 5, inf], [0, 0.999, -inf]),
        (0.25, 0.75, [0.25, 0.5, 0.75], [0.2499999, 0.7500001]),
        (5, 5, [5, 5.0], [4, 6]),
    ],
    ids=["only high", "only low", "both", "one number"],
)
def test_bounds_are_inclusive(
    low: float | None, high: float | None, inside: list[float], outside: list[float]
) -> None:
    values = [*inside, *outside]
    gates = [measured(value, f"gate_{n}", low=low, high=high) for n, value in enumerate(values)]
    seen = {value: one.passed for value, one in zip(values, judge("step", DAY, gates, None), strict=True)}
    assert seen == dict.fromkeys(inside, True) | dict.fromkeys(outside, False)


def test_nothing_to_measure_holds() -> None:
    assert verdict(None) == Verdict(measured(None).gate, True, "nothing to measure")


@pytest.mark.parametrize("bounds", [{"low": 0}, {"high": 0}, {"low": 0, "high": 1}])
def test_a_statistic_that_is_not_a_number_fails(bounds: dict[str, float]) -> None:
    assert not passes(nan, **bounds)
    assert "not a number" in verdict(nan, **bounds).found


def test_a_gate_without_a_value_does_not_touch_the_others() -> None:
    gates = [measured(None, "a"), measured(nan, "b"), measured(1, "c"), measured(0, "d")]
    assert [one.passed for one in judge("step", DAY, gates, None)] == [True, False, False, True]


def test_a_warning_fails_without_blocking(docs: Path) -> None:
    warned = judge("consensus", DAY, [measured(1, blocks=False)], docs)
    record = json.loads((docs / f"as_of={DAY}" / "consensus.json").read_bytes())
    assert [one.outcome for one in warned] == ["warns"]
    assert record["results"][0]["expectation_config"]["severity"] == "warning"
    assert not {"fails"} & {*page(docs, "index").classes}


def test_a_step_without_gates_has_no_verdicts(docs: Path) -> None:
    assert judge("consensus", DAY, [], docs) == []
    assert "There are no gates." in page(docs, "consensus").texts


def test_an_error_inside_is_no_verdict(docs: Path) -> None:
    wrong: Any = "three"
    with pytest.raises(UnjudgedGate, match=r"could not judge the gate raw/edge\.keys_unique: .*str"):
        judge("consensus", DAY, [measured(wrong), measured(0, "other")], docs)
    assert not docs.exists()


def test_two_gates_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two gates of one name"):
        judge("consensus", DAY, [measured(1), measured(0)], None)


@pytest.mark.parametrize("step", ["index", "../up", "raw/edge", ""])
def test_a_step_whose_page_would_lie_elsewhere_is_refused(step: str) -> None:
    with pytest.raises(ValueError, match="a step's name"):
        judge(step, DAY, [measured(0)], None)


# Quiet


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    asked: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: asked.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: asked.append(address) or [])
    yield asked
    assert asked == []


@pytest.mark.usefixtures("offline")
def test_judging_is_silent_and_asks_nobody(
    docs: Path, capfd: pytest.CaptureFixture[str], caplog: Any
) -> None:
    caplog.set_level(logging.INFO)
    judge("consensus", DAY, [measured(1), measured(None, "other")], docs)
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.name.startswith("great_expectations")] == []


def test_great_expectations_is_imported_only_when_something_is_judged() -> None:
    code = "import sys, resources.expectations; print({'great_expectations', 'pandas'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# Pages


def test_pages_load_nothing_and_link_only_to_each_other(docs: Path) -> None:
    for step in ("consensus", "ranking"):
        judge(step, DAY, [measured(1), measured(0, "other")], docs)
    for path in sorted(docs.rglob("*.html")):
        seen = Page(path)
        assert not {"script", "link", "img", "iframe", "base", "object", "form"} & {*seen.tags}
        assert seen.links
        assert all((path.parent / link.partition("#")[0]).is_file() for link in seen.links)
        assert not any(word in path.read_text() for word in ("@import", "url(", "://"))


def test_a_link_leads_to_the_gate(docs: Path) -> None:
    judge("consensus", DAY, [measured(1)], docs)
    assert "consensus.html#raw/edge.keys_unique" in page(docs, "index").links
    assert 'id="raw/edge.keys_unique"' in page(docs, "consensus").path.read_text()


def test_a_second_run_of_a_day_gives_the_same_bytes(docs: Path) -> None:
    gates = [
        measured(1, rows=("12",)),
        measured(0.123456789, "share", high=1, unit="share"),
        measured(None, "none"),
    ]
    judge("consensus", DAY, gates, docs)
    first = contents(docs)
    judge("consensus", DAY, gates, docs)
    assert contents(docs) == first
    assert sorted(first) == [
        f"as_of={DAY}/{name}" for name in ("consensus.html", "consensus.json", "index.html")
    ]


def test_a_mended_day_replaces_what_its_pages_said(docs: Path) -> None:
    judge("consensus", DAY, [measured(1, rows=("row-12",))], docs)
    judge("consensus", DAY, [measured(0)], docs)
    assert b"row-12" not in b"".join(contents(docs).values())
    assert "The one gate holds." in page(docs, "index").texts


def test_steps_of_a_day_add_up_and_days_stay_apart(docs: Path) -> None:
    judge("consensus", DAY, [measured(0)], docs)
    judge("ranking", DAY, [measured(1)], docs)
    judge("dataset", date(2024, 1, 15), [measured(1)], docs)
    index = page(docs, "index")
    assert {"consensus.html", "ranking.html"} <= {*index.links}
    assert "dataset.html" not in index.links
    assert "Blocked: 1 of 2 gates fails." in index.texts


def test_a_forgotten_day_has_no_pages(docs: Path) -> None:
    forget(DAY, docs)
    judge("consensus", DAY, [measured(0)], docs)
    judge("consensus", date(2024, 1, 15), [measured(0)], docs)
    forget(DAY, docs)
    assert {path.parts[0] for path in map(Path, contents(docs))} == {"as_of=2024-01-15"}


def test_what_fails_is_seen_first(docs: Path) -> None:
    gates = [
        measured(0, "holds_it"),
        measured(1, "warns_it", blocks=False),
        measured(2, "fails_it", rows=("12", "15")),
    ]
    judge("consensus", DAY, gates, docs)
    for name in ("index", "consensus"):
        seen = page(docs, name)
        text = " ".join(seen.texts)
        assert "Blocked: 1 of 3 gates fails, 1 more warns." in seen.texts
        assert "2 rows (0 allowed): 12, 15; look at raw/edge" in seen.texts
        assert "no two rows have the same key" in seen.texts
        assert text.index("raw/edge.fails_it") < text.index("raw/edge.warns_it")
        assert {"fails", "warns"} <= {*seen.classes}
    assert "holds" in page(docs, "consensus").classes


def test_what_people_wrote_is_text_on_every_page(docs: Path) -> None:
    judge("consensus", DAY, [measured(1, rows=(MARKUP,), says=f"no {MARKUP}", unit=f"{MARKUP}s")], docs)
    for name in ("index", "consensus"):
        seen = page(docs, name)
        assert "script" not in seen.tags
        assert f"no {MARKUP}" in seen.texts
        assert f"1 {MARKUP} (0 allowed): {MARKUP}; look at raw/edge" in seen.texts


def test_half_a_character_stops_no_page(docs: Path) -> None:
    judge("consensus", DAY, [measured(1, rows=("\ud83d",))], docs)
    judge("ranking", DAY, [measured(0)], docs)
    assert r"1 row (0 allowed): \ud83d; look at raw/edge" in page(docs, "consensus").texts


def test_the_record_is_a_validation_result_of_great_expectations(docs: Path) -> None:
    from great_expectations.core import expectationSuiteValidationResultSchema

    judge("consensus", DAY, [measured(3), measured(0, "other")], docs)
    result = expectationSuiteValidationResultSchema.load(
        json.loads((docs / f"as_of={DAY}" / "consensus.json").read_bytes())
    )
    assert (result["suite_name"], result["success"]) == ("consensus", False)
    assert [one.result["observed_value"] for one in result["results"]] == [3, 0]
