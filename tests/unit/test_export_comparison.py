"""Two exports compared by their rows' ids, and files that are not what their export.json says."""

import hashlib
import json
from typing import Any

import pytest

from dft_pipeline.formats.comparison import differences
from dft_pipeline.formats.formats import made
from dft_pipeline.formats.making import EXPORT, Refused
from dft_pipeline.formats.names import DatasetFormat
from resources.lake import parquet
from tests.unit.export_world import CALM, FACTS, asked, export_of, tables

EVERY = list(DatasetFormat)
NOTHING: dict[str, list[str]] = {"came": [], "went": [], "changed": []}


def filtered(form: DatasetFormat) -> dict[str, bytes]:
    return export_of(form, filters={"min_share": 0.5})


@pytest.mark.parametrize("form", EVERY)
def test_an_export_does_not_differ_from_itself(form: DatasetFormat) -> None:
    found = differences(export_of(form), export_of(form))
    assert (found["format"], found["settings"]) == (form, {})
    assert found["rows"], "rows were compared"
    assert all(changes == NOTHING for changes in found["rows"].values())
    assert found["files"] == []


def test_what_came_went_or_changed_is_named_by_the_key_of_its_table() -> None:
    for form in (DatasetFormat.REWARD, DatasetFormat.HF):
        found = differences(export_of(form), filtered(form))
        assert found["settings"] == {"filters": [{}, {"min_share": 0.5}]}
        rows = found["rows"]
        assert rows["reward_rows"] == NOTHING | {"went": [f"abortion, None, {FACTS}"]}
        assert rows["rubric_rows"]["went"] == [f"abortion, {FACTS}, 0"]
        assert rows["rubric_rows"]["changed"] == [f"abortion, {CALM}, 0", f"abortion, {CALM}, 1"]
        assert rows["completion_scores"]["changed"] == [f"calm, {CALM}", f"curt, {CALM}"]
        back = differences(filtered(form), export_of(form))["rows"]
        assert back["reward_rows"] == NOTHING | {"came": [f"abortion, None, {FACTS}"]}


def test_a_row_that_is_on_another_side_has_changed() -> None:
    before = export_of(DatasetFormat.RUBRIC)
    now = retold(before | {"validation.jsonl": before["test.jsonl"]}, gone="test.jsonl")
    assert differences(before, now)["rows"] == {"rubric": NOTHING | {"changed": ["tea"]}}


def test_chats_are_known_by_their_completions() -> None:
    before = export_of(DatasetFormat.CHAT_JSONL)
    changed = before["train.jsonl"].replace(b"4 + 4 is 8.", b"4 + 4 is 9.")
    now = retold(before | {"train.jsonl": changed})
    assert differences(before, now)["rows"]["chat-jsonl"] == NOTHING | {"changed": ["sum-4-a"]}


def test_a_chat_that_only_stands_on_another_line_has_not_changed() -> None:
    before = export_of(DatasetFormat.CHAT_JSONL)
    lines = before["train.jsonl"].splitlines(keepends=True)
    sources = [json.loads(line) for line in before["provenance.jsonl"].splitlines()]
    fewer = [json.dumps(one | {"line": one["line"] - 1}) for one in sources[1:]]
    left = {"train.jsonl": b"".join(lines[1:]), "provenance.jsonl": "\n".join(fewer).encode()}
    changes = differences(before, retold(before | left))["rows"]["chat-jsonl"]
    assert changes == NOTHING | {"went": ["sum-0-a"]}


def test_another_licence_or_consent_is_a_difference_and_so_is_the_card_alone() -> None:
    before = export_of(DatasetFormat.HF)
    told = asked(license="CC0-1.0", consent_basis="asked")
    found = differences(before, made(DatasetFormat.HF, tables(), told, parquet))
    assert found["settings"]["license"] == ["CC-BY-4.0", "CC0-1.0"]
    assert found["settings"]["consent_basis"][1] == "asked"
    assert (set(map(str, found["rows"].values())), found["files"]) == ({str(NOTHING)}, ["README.md"])
    other = differences(before, retold(before | {"README.md": b"# Mine"}))
    assert (other["settings"], other["files"]) == ({}, ["README.md"])
    assert "license" not in json.loads(export_of(DatasetFormat.REWARD)[EXPORT])


def test_a_file_whose_rows_changed_is_told_of_by_its_rows() -> None:
    before = export_of(DatasetFormat.REWARD)
    now = filtered(DatasetFormat.REWARD)
    found = differences(before, now)
    assert any(found["rows"].values())
    assert found["files"] == []


def test_what_cannot_be_compared_is_refused() -> None:
    before = export_of(DatasetFormat.RUBRIC)
    with pytest.raises(Refused, match="two formats have no rows in common: rubric and trl-sft"):
        differences(before, export_of(DatasetFormat.TRL_SFT))
    for damaged in (before | {"test.jsonl": b""}, {EXPORT: before[EXPORT]}):
        with pytest.raises(Refused, match=r"test.jsonl is missing, or not as export.json says"):
            differences(before, damaged)
    for text in (b"", b"{", b"\xff", b"[]", b'{"files": {}}', b'{"format": [], "files": {}}'):
        with pytest.raises(Refused, match=r"export.json is missing or damaged"):
            differences(before | {EXPORT: text}, before)
    unsaid = before | {EXPORT: b'{"format": "rubric", "files": {"test.jsonl": {}}}'}
    for damaged in (unsaid, {"test.jsonl": before["test.jsonl"]}):
        with pytest.raises(Refused, match=r"export.json is missing or damaged"):
            differences(before, damaged)
    strange = before | {EXPORT: json.dumps({"format": "csv", "files": {}}).encode()}
    with pytest.raises(Refused, match="names no format of this version: csv"):
        differences(strange, before)


def retold(files: dict[str, bytes], gone: str | None = None) -> dict[str, bytes]:
    """The files with an export.json that fits them."""
    left: dict[str, Any] = {path: content for path, content in files.items() if path not in (gone, EXPORT)}
    told = json.loads(files[EXPORT])
    told["files"] = {path: {"sha256": hashlib.sha256(content).hexdigest()} for path, content in left.items()}
    return left | {EXPORT: json.dumps(told).encode()}
