"""Folders that appear whole or not at all."""

from pathlib import Path

import pytest

from resources import files
from resources.files import read_folder, write_folder
from resources.problems import FolderTaken

CONTENT = {"a.txt": b"a", "deep/er/b.txt": b"b"}


def test_a_folder_is_written_into_a_place_that_is_empty_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new", "far/away"):
        write_folder(tmp_path / name, CONTENT)
        assert read_folder(tmp_path / name) == CONTENT


def test_the_same_content_stays_and_other_content_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "out", CONTENT)
    before = (tmp_path / "out" / "a.txt").stat()
    write_folder(tmp_path / "out", CONTENT)
    assert (tmp_path / "out" / "a.txt").stat() == before
    for other in ({"a.txt": b"a"}, CONTENT | {"a.txt": b"b"}, CONTENT | {"c.txt": b""}):
        with pytest.raises(FolderTaken, match="out holds something else; name a folder that is empty"):
            write_folder(tmp_path / "out", other)
        assert read_folder(tmp_path / "out") == CONTENT
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FolderTaken):
        write_folder(tmp_path / "file", CONTENT)


def test_what_stops_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = files.write_whole

    def full(path: Path, content: bytes) -> None:
        if path.name == "b.txt":
            raise OSError(28, "No space left on device")
        written(path, content)

    monkeypatch.setattr(files, "write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        write_folder(tmp_path / "out", CONTENT)
    assert list(tmp_path.iterdir()) == []
