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


def test_any_entry_is_taken_and_nothing_of_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for entry in ("folder/deeper", "files/a.txt", "names/deep/er/b.txt"):
        (tmp_path / entry).parent.mkdir(parents=True)
    (tmp_path / "folder" / "deeper").mkdir()
    (tmp_path / "files" / "a.txt").write_bytes(b"longer")
    (tmp_path / "names" / "deep" / "er" / "b.txt").write_bytes(b"b")
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} is read"))
    for name in ("folder", "files", "names"):
        with pytest.raises(FolderTaken, match=f"{name} holds something else"):
            write_folder(tmp_path / name, CONTENT)


def test_a_link_to_an_empty_folder_is_that_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_folder(tmp_path / "link", CONTENT)
    assert (tmp_path / "link").is_symlink()
    assert read_folder(tmp_path / "real") == CONTENT
    write_folder(tmp_path / "link", CONTENT)


def test_the_working_directory_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (Path(), tmp_path):
        with pytest.raises(FolderTaken, match=r"is the working directory; name a folder in it"):
            write_folder(folder, CONTENT)
    assert list(tmp_path.iterdir()) == []


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
