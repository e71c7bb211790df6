"""Participants under keyed pseudonyms: the same person under one key, nobody without it."""

import hashlib
import hmac
import re
from collections.abc import Callable

import polars as pl

DIGITS = 32
BLOCK = 64  # bytes that SHA-256 takes at a time


def pseudonym(user_id: int, key: bytes) -> str:
    """First 32 hex digits of HMAC-SHA256(key, the id in decimal)."""
    return hmac.new(key, str(user_id).encode(), hashlib.sha256).hexdigest()[:DIGITS]


def is_pseudonym(text: str) -> bool:
    """Whether a text has the form of a pseudonym."""
    return re.fullmatch(f"[0-9a-f]{{{DIGITS}}}", text) is not None


def pseudonymiser(key: bytes) -> Callable[[int], str]:
    """`pseudonym` under one key, in less than half the time: HMAC whose two first blocks are hashed once."""
    block = (key if len(key) <= BLOCK else hashlib.sha256(key).digest()).ljust(BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))

    def named(user_id: int) -> str:
        message, whole = inner.copy(), outer.copy()
        message.update(b"%d" % user_id)
        whole.update(message.digest())
        return whole.hexdigest()[:DIGITS]

    return named


def fingerprint(key: bytes) -> str:
    """Tells two keys apart without giving either away; 16 hex digits."""
    return hashlib.sha256(b"dft pseudonym key\0" + key).hexdigest()[:16]


def pseudonymised(rows: pl.DataFrame, column: str, key: bytes) -> pl.DataFrame:
    """The rows with `column` (a user's id) replaced by participant_id."""
    known = rows.select(pl.col(column).drop_nulls().unique().sort())
    names = [pseudonym(user_id, key) for user_id in known[column]]
    people = known.with_columns(participant_id=pl.Series(names, dtype=pl.String))
    return rows.join(people, on=column, how="left", maintain_order="left").drop(column)
