"""The publication log: chained, so that no entry and no snapshot changes unseen."""

import hashlib
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.history import publication_log
from dft_pipeline.history.publication_log import Broken, Entry, content, digest, faults, following, parsed

DAYS = ("2024-01-12", "2024-01-13", "2024-01-14")
EVENTS = st.lists(st.tuples(st.sampled_from(DAYS), st.sampled_from("abc")), min_size=1, max_size=8)


def written(events: Sequence[tuple[str, str]]) -> tuple[dict[str, bytes], dict[str, str]]:
    """The files of a log of such days and manifests, and the manifests that lie there in the end."""
    log: list[Entry] = []
    for day, manifest in events:
        entry = following(log, day, manifest, "rebuild")
        log += [] if entry is None else [entry]
    files = {publication_log.path_of(entry.number): content(entry) for entry in log}
    return files, dict(events)


def test_the_hash_of_an_entry_is_that_of_its_fields_as_json() -> None:
    entry = Entry(1, "2024-01-14", 1, "nightly", "ab", None)
    fields = (
        '{\n  "as_of": "2024-01-14",\n  "manifest_sha256": "ab",\n  "number": 1,\n'
        '  "previous_sha256": null,\n  "reason": "nightly",\n  "revision": 1\n}\n'
    )
    assert digest(entry) == hashlib.sha256(fields.encode()).hexdigest()
    assert parsed(content(entry)) == entry


def test_a_day_that_is_built_again_with_the_same_bytes_is_not_logged_again() -> None:
    first = following([], "2024-01-14", "ab", "nightly")
    assert first == Entry(1, "2024-01-14", 1, "nightly", "ab", None)
    assert following([first], "2024-01-14", "ab", "rebuild") is None
    second = following([first], "2024-01-14", "cd", "rebuild")
    assert second == Entry(2, "2024-01-14", 2, "rebuild", "cd", digest(first))


def test_a_day_that_is_no_longer_kept_keeps_its_revision_and_may_come_back() -> None:
    assert following([], "2024-01-14", None, "retired") is None
    log = [Entry(1, "2024-01-14", 1, "nightly", "ab", None)]
    retired = following(log, "2024-01-14", None, "retired")
    assert retired == Entry(2, "2024-01-14", 1, "retired", None, digest(log[0]))
    again = following([*log, retired], "2024-01-14", "ab", "rebuild")
    assert again == Entry(3, "2024-01-14", 2, "rebuild", "ab", digest(retired))


@pytest.mark.parametrize(
    ("was_logged", "before", "reason"),
    [
        (False, None, "nightly"),
        (True, "one", "rebuild"),
        (True, "other", "policy"),
        (True, None, "rebuild"),
    ],
)
def test_the_reason_follows_from_the_manifests(was_logged: bool, before: str | None, reason: str) -> None:
    log = [Entry(1, "2024-01-14", 1, "nightly", "ab", None)] if was_logged else []
    manifest = None if before is None else {"settings_hash": before}
    assert publication_log.why(log, "2024-01-14", manifest, {"settings_hash": "one"}) == reason


@given(EVENTS)
def test_an_untouched_log_has_no_faults(events: list[tuple[str, str]]) -> None:
    assert faults(*written(events)) == []


@given(EVENTS, st.data())
def test_a_changed_byte_is_found_and_its_entry_named(
    events: list[tuple[str, str]], data: st.DataObject
) -> None:
    files, manifests = written(events)
    path = data.draw(st.sampled_from(sorted(files)))
    place = data.draw(st.integers(0, len(files[path]) - 1))
    other = data.draw(st.integers(1, 255))
    changed = bytearray(files[path])
    changed[place] ^= other
    found = faults({**files, path: bytes(changed)}, manifests)
    assert any(path in fault for fault in found)


@given(EVENTS, st.data())
def test_an_entry_that_is_written_anew_with_a_right_hash_is_found_by_the_next(
    events: list[tuple[str, str]], data: st.DataObject
) -> None:
    files, manifests = written(events)
    path = data.draw(st.sampled_from(sorted(files)))
    entry = parsed(files[path])
    forged = {**files, path: content(entry._replace(reason="withdrawal"))}
    after = publication_log.path_of(entry.number + 1)
    # The last entry has none after it: a copy outside the lake is what tells.
    assert any(after in fault for fault in faults(forged, manifests)) == (after in files)


@given(EVENTS, st.data())
def test_an_entry_that_is_gone_is_found(events: list[tuple[str, str]], data: st.DataObject) -> None:
    files, manifests = written(events)
    path = data.draw(st.sampled_from(sorted(files)))
    left = {name: file for name, file in files.items() if name != path}
    found = faults(left, manifests)
    day = parsed(files[path]).as_of
    is_last = path == max(files)
    assert any(
        (f"manifests/as_of={day}.json" if is_last else f"{path} is missing") in fault for fault in found
    )


@pytest.mark.parametrize(("here", "there"), [*product(("a", None), repeat=2)])
def test_manifests_that_the_log_does_not_name(here: str | None, there: str | None) -> None:
    files, _ = written([] if there is None else [("2024-01-14", there)])
    manifests = {} if here is None else {"2024-01-14": here}
    found = faults(files, manifests)
    assert len(found) == (here != there)
    assert all("2024-01-14" in fault for fault in found)
    assert len(faults(files, {"2024-01-14": "b"})) == 1


def test_what_is_no_entry_is_refused() -> None:
    for file in (b"", b"\xff", b"{}", b"[]", b"null", b'{"number": 1}'):
        with pytest.raises(Broken, match="it is no entry"):
            parsed(file)
