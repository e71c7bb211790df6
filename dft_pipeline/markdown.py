"""Markdown for people to read, in which no text of the data can be markup."""

from collections.abc import Iterable, Sequence

WIDTH = 60  # characters of a text
HARMLESS = (("&", "&amp;"), ("<", "&lt;"), ("|", "&#124;"), ("[", "&#91;"), ("`", "&#96;"), ("*", "&#42;"))


def harmless(value: object, width: int | None = WIDTH) -> str:
    """The value as a text on one line, a short one but where the width is None."""
    text = " ".join(str(value)[:width].split())
    for mark, instead in HARMLESS:
        text = text.replace(mark, instead)
    return text


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are harmless already."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
