"""Marks in an answer: `<value context="..." criterion="...">…</value>` around what a criterion did to it.

What belongs here: reading, checking and taking off marks. They are no XML document: only the two attributes
are escaped, as XML attributes are; the words around and between stay as they are. `context` is empty where a
value is wise in no context by itself.
"""

import html
import re
from collections.abc import Collection
from typing import NamedTuple
from xml.sax.saxutils import escape

_ATTRIBUTE = r'\s+(context|criterion)="([^"<]*)"'
TAG = re.compile(rf"<value{_ATTRIBUTE}{_ATTRIBUTE}\s*>|</value\s*>")
BEGINS = re.compile(r"<value\s")  # a text without this has no marks, whatever else stands in it
LEFT_OVER = re.compile(r"</?value\b")
NO_CONTEXT = ""
QUOTED = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}

NOT_WELL_FORMED, NESTED = "not_well_formed", "nested"
UNKNOWN_CONTEXT, UNKNOWN_CRITERION = "unknown_context", "unknown_criterion"
TEXT_CHANGED, UNREADABLE = "text_changed", "unreadable"


class Known(NamedTuple):
    """What marks may name."""

    contexts: Collection[str]
    criteria: Collection[str]


class Marks(NamedTuple):
    """A text without marks, and with them where they hold; otherwise the rule that they break.

    A text in which parts of marks are left stays as it is; it still fits BEGINS, and no other does.
    """

    text: str
    marked_text: str | None
    rule: str | None


def mark(words: str, context: str, criterion: str) -> str:
    """The words with a mark around them."""
    return f'<value context="{_escaped(context)}" criterion="{_escaped(criterion)}">{words}</value>'


def stripped(marked: str) -> str:
    """The text without its marks; one that has none stays as it is."""
    return TAG.sub("", marked) if BEGINS.search(marked) else marked


def read(marked: str, known: Known, text: str | None = None) -> Marks:
    """The marks of a text. `text`: its words as they were given beside, maybe with marks of their own."""
    words = marked if text is None else text
    if _is_unreadable(words):
        return Marks(words, None, UNREADABLE)
    plain = stripped(words)
    rule = _rule(marked, known, plain)
    return Marks(plain, marked if rule is None and BEGINS.search(marked) else None, rule)


def _is_unreadable(marked: str) -> bool:
    return BEGINS.search(marked) is not None and LEFT_OVER.search(stripped(marked)) is not None


def _rule(marked: str, known: Known, plain: str) -> str | None:
    """The first rule that marks of a plain text break."""
    if _is_unreadable(marked):
        return UNREADABLE
    broken = _broken(marked, known) if BEGINS.search(marked) else None
    return broken or (TEXT_CHANGED if marked and stripped(marked) != plain else None)


def _broken(marked: str, known: Known) -> str | None:
    """The first rule that the tags break, in their order."""
    is_open = False
    for tag in TAG.finditer(marked):
        is_opening = tag[1] is not None
        if is_opening == is_open:
            return NESTED if is_open else NOT_WELL_FORMED
        if is_opening and (rule := _misnamed(tag, known)):
            return rule
        is_open = is_opening
    return NOT_WELL_FORMED if is_open else None


def _misnamed(tag: re.Match[str], known: Known) -> str | None:
    named = {tag[1]: html.unescape(tag[2]), tag[3]: html.unescape(tag[4])}
    if len(named) < 2:
        return NOT_WELL_FORMED
    if named["context"] != NO_CONTEXT and named["context"] not in known.contexts:
        return UNKNOWN_CONTEXT
    return None if named["criterion"] in known.criteria else UNKNOWN_CRITERION


def _escaped(value: str) -> str:
    return escape(value, QUOTED)
