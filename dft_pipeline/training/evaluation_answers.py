"""A model's answers to evaluation items: a file of them, and what each says.

What belongs here: the file's columns, and how an answer is read. How good it is stands in `evaluation`.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from dft_pipeline.raw.reading import FORMATS, RefusedFile, Unreadable, columns, records
from dft_pipeline.training.evaluation_items import (
    EDGE,
    EXECUTION,
    ID_DIGITS,
    VALUE_CHOICE,
    letter,
)

ITEM, ANSWER, WHY = "item_id", "answer", "why"
Outcome = Literal["answered", "unanswered", "unreadable"]
BETWEEN = re.compile(r"[\s,;]+")
SURROGATE = re.compile("[\ud800-\udfff]")
AROUND = "().:\"'"  # of a letter, as in `(A)` or `B.`
MARKS = str.maketrans("", "", "*_`#>")  # Markdown's
LETTER = r"[(\"']*\b[A-Z]{1,2}\b[)\"']*"
LETTERS = rf"\s*(?P<letters>{LETTER}(?:(?:\s*[,;&]\s*|\s+)(?:and\s+)?{LETTER})*)"
# What follows letters that are the answer. Not white space and a word: "A calm answer" names no option.
LINE_END = r"[.:]?[ \t]*(?:\n|\Z)"
REASON = r"(?:\s*[.:–—](?=\s|\Z)|\s+-\s|,?\s+(?=because\b)|(?<=\))(?=\s))"
LED = {
    VALUE_CHOICE: re.compile(LETTERS + LINE_END),  # `A. Calm, C. Truth` is no list of letters
    EDGE: re.compile(rf"{LETTERS}(?:{LINE_END}|{REASON})"),
}


class Answer(NamedTuple):
    """What stands in the file; a missing answer is None."""

    answer: Any
    why: str | None


class Said(NamedTuple):
    """What an answer says: the values that it names, or of an execution its text; nothing if it is none."""

    outcome: Outcome
    value_ids: frozenset[int] = frozenset()
    text: str = ""
    why: str | None = None


UNANSWERED, UNREADABLE = Said("unanswered"), Said("unreadable")


def read_answers(path: Path, known: Collection[str]) -> dict[str, Answer]:
    """The answers of a table file, by item; `known` are the ids of all items.

    Raises RefusedFile for a file that cannot be read, that lacks a column, or that has a row of no item or
    of one that another row has answered; it names the row, from 1 on, and the column.
    """
    if path.suffix not in FORMATS:
        raise RefusedFile(f"{path.name}: its name ends in none of {', '.join(FORMATS)}")
    found: dict[str, Answer] = {}
    for where, record in _rows(path):
        item_id, why = record.get(ITEM), record.get(WHY)
        if not isinstance(item_id, str) or item_id not in known:
            raise RefusedFile(f"{where}, {ITEM}: {str(item_id)[:ID_DIGITS]} is no item of the snapshot")
        if item_id in found:
            raise RefusedFile(f"{where}, {ITEM}: {item_id} is answered twice")
        if not (why is None or _is_text(why)):
            raise RefusedFile(f"{where}, {WHY}: a text was expected")
        found[item_id] = Answer(record.get(ANSWER), why)
    return found


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where each row stands, and what it holds."""
    named = set(columns(path))
    for number, record in enumerate(records(path), 1):
        where = f"{path.name} row {number}"
        if isinstance(record, Unreadable):
            raise RefusedFile(f"{where}: {record.found}")
        if missing := [column for column in (ITEM, ANSWER) if column not in named | record.keys()]:
            raise RefusedFile(f"{where}: without the column {', '.join(missing)}")
        yield where, record


def said(item: Mapping[str, Any], given: Answer | None) -> Said:
    """What an answer says of its item; `given` is None where the file has none."""
    if given is None or given.answer is None or (isinstance(given.answer, str) and not given.answer.strip()):
        return UNANSWERED
    if item["kind"] == EXECUTION:
        return Said("answered", text=given.answer) if _is_text(given.answer) else UNREADABLE
    answer, reason = _opened(given)
    named = _named(answer, item["options"])
    if (
        named is None
        and isinstance(answer, str)
        and (led := LED[item["kind"]].match(plain := answer.translate(MARKS)))
    ):
        named = _named(re.findall(r"\b[A-Z]{1,2}\b", led["letters"]), item["options"])
        reason = reason or plain[led.end() :].strip()
    if named is None or (item["kind"] == EDGE and len(named) != 1):
        return UNREADABLE
    return Said("answered", named, why=reason if reason and _is_text(reason) and reason.strip() else None)


def _opened(given: Answer) -> Answer:
    """What an object `{"answer": …, "why": …}` holds, as JSON text too; anything else is as it is."""
    held = given.answer
    if isinstance(held, str) and held.lstrip().startswith("{"):
        held = _json(held)
    if not (isinstance(held, dict) and ANSWER in held):
        return given
    return Answer(held[ANSWER], given.why or held.get(WHY))


def _json(text: str) -> Any:
    """What JSON text says; the text itself if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _is_text(found: Any) -> bool:
    """Whether it is text that can be sent on; bytes that are no UTF-8 come as lone surrogates."""
    return isinstance(found, str) and "\0" not in found and not SURROGATE.search(found)


def _named(answer: Any, options: list[int]) -> frozenset[int] | None:
    """The values that letters or ids name; None where anything else stands among them."""
    called = {str(value): value for value in options}
    called |= {letter(place): value for place, value in enumerate(options)}
    words = [str(word).strip().strip(AROUND).upper() for word in _words(answer)]
    return frozenset(called[word] for word in words) if all(word in called for word in words) else None


def _words(answer: Any) -> list[Any]:
    if isinstance(answer, list):
        return answer
    if not isinstance(answer, str):
        return [answer]
    if answer.lstrip().startswith("["):
        read = _json(answer)
        return read if isinstance(read, list) else [answer]
    return [word for word in BETWEEN.split(answer) if word]
