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
    named, folder = folder, folder.resolve()
    if _holds(folder, files):
        return
    if folder == Path.cwd():
        raise FolderTaken(f"{named} is the working directory; name a folder in it")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise FolderTaken(f"{named} holds something else; name a folder that is empty or not there")
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        for path, content in files.items():
            write_whole(draft / path, content)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether the folder holds these files and nothing else; no file is read before names and sizes fit."""
    wanted = {folder / path: content for path, content in files.items()}
    folders = {parent for path in wanted for parent in path.parents}
    found = set()
    for path in folder.rglob("*"):
        if path not in folders and not (path in wanted and _is_of(path, len(wanted[path]))):
            return False
        found.add(path)
    return wanted.keys() <= found and all(path.read_bytes() == of for path, of in wanted.items())


def _is_of(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file in a folder by its path in it, with slashes; none where there is no folder."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
