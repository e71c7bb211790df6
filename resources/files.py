"""Local files that appear whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from resources.problems import FolderTaken


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file, and the folders it lies in; no reader sees it half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes a folder of files by their path in it, which appears whole or not at all.

    One that holds the same already stays. Raises FolderTaken where it holds anything else.
    """
    there = read_folder(folder)
    if there == dict(files):
        return
    if there or folder.is_file():
        raise FolderTaken(f"{folder} holds something else; name a folder that is empty or not there")
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        for path, content in files.items():
            write_whole(draft / path, content)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file in a folder by its path in it, with slashes; none where there is no folder."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
