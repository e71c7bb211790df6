"""Lets one user pass through a folder that is private to others, by an access control list.

Passing (`x`) shows nothing: who passes still needs to know a name inside, and needs that name's own
permission. The folder's mode for everybody else stays as it was.
"""

import os
import stat
import struct
from pathlib import Path

ATTRIBUTE = "system.posix_acl_access"
# An entry is tag, permissions, id; the tags in the order that Linux wants them in (acl(5)).
OWNER, USER, OWNING_GROUP, MASK, OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20
NOBODY = 0xFFFFFFFF
VERSION = struct.pack("<I", 2)
ENTRY = struct.Struct("<HHI")
PASS = 1

Entries = dict[tuple[int, int], int]


def can_pass(folder: Path, uid: int) -> bool:
    """Whether the user may pass, as a member of no group of the folder's."""
    found = folder.stat()
    if found.st_uid == uid:
        return bool(found.st_mode & stat.S_IXUSR)
    entries = _entries(folder)
    if (USER, uid) in entries:
        return bool(entries[USER, uid] & entries.get((MASK, NOBODY), 7) & PASS)
    return bool(found.st_mode & stat.S_IXOTH)


def let_pass(folder: Path, uid: int) -> None:
    """Lets the user pass. Raises OSError where the file system has no access control lists."""
    entries = _entries(folder)
    entries[USER, uid] = entries.get((USER, uid), 0) | PASS
    mask = entries.get((MASK, NOBODY), entries[OWNING_GROUP, NOBODY])
    entries[MASK, NOBODY] = mask | PASS
    content = VERSION + b"".join(ENTRY.pack(tag, entries[tag, who], who) for tag, who in sorted(entries))
    os.setxattr(folder, ATTRIBUTE, content)


def _entries(folder: Path) -> Entries:
    """The folder's list; where it has none, the one that its mode stands for."""
    try:
        content = os.getxattr(folder, ATTRIBUTE)
    except OSError:
        mode = folder.stat().st_mode
        return {
            (OWNER, NOBODY): mode >> 6 & 7,
            (OWNING_GROUP, NOBODY): mode >> 3 & 7,
            (OTHERS, NOBODY): mode & 7,
        }
    return {(tag, who): allowed for tag, allowed, who in ENTRY.iter_unpack(content[len(VERSION) :])}
