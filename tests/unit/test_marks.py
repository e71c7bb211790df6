"""Marks in answers: what is written is read again, and what does not hold is named and taken off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dft_pipeline.training import marks
from dft_pipeline.training.marks import Known, Marks, mark, read, stripped

CONTEXT, CRITERION = 'When "A & B" <clash>', "FEARS that\nlie > behind it"
KNOWN = Known({CONTEXT}, {CRITERION})
OPEN = mark("", CONTEXT, CRITERION).removesuffix("</value>")

# Texts without what could be taken for a mark; what such texts do has tests of its own.
words = st.text().filter(lambda text: not marks.LEFT_OVER.search(text))
names = st.text(min_size=1)


@st.composite
def texts_with_marks(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and the same with marks in it."""
    parts = draw(st.lists(st.tuples(st.sampled_from(["plain", "<", "/", ""]), words), max_size=4))
    plain = "".join(f"{lead}{part}" for lead, part in parts)
    marked = "".join(f"{lead}{mark(part, CONTEXT, CRITERION)}" for lead, part in parts)
    return plain, marked


@given(texts_with_marks().filter(lambda pair: not marks.LEFT_OVER.search(pair[0])))
def test_without_its_marks_a_text_is_as_it_was(pair: tuple[str, str]) -> None:
    plain, marked = pair
    assert stripped(marked) == plain
    found = read(marked, KNOWN, plain)
    assert found == Marks(plain, marked if marked != plain else None, None)
    assert read(marked, KNOWN) == found
    assert read(found.text, KNOWN) == Marks(plain, None, None), "taking marks off twice changes nothing"


@given(names, names)
def test_any_context_and_criterion_can_be_named(context: str, criterion: str) -> None:
    marked = mark("x", context, criterion)
    assert read(marked, Known({context}, {criterion})).rule is None
    assert read(marked, Known(set(), {criterion})).rule == marks.UNKNOWN_CONTEXT
    assert read(marked, Known({context}, set())).rule == marks.UNKNOWN_CRITERION
    assert "\n" not in marked


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    found = read(text, KNOWN)
    assert (found.marked_text is None) or found.rule is None
    if not marks.BEGINS.search(text):
        assert found == Marks(text, None, None)


@pytest.mark.parametrize(
    ("marked", "rule", "text"),
    [
        (f"{OPEN}a", "not_well_formed", "a"),
        (f"a</value> {OPEN}b</value>", "not_well_formed", "a b"),
        (f"{OPEN}a {OPEN}b</value></value>", "nested", "a b"),
        (mark("a", "When else", CRITERION), "unknown_context", "a"),
        (mark("a", CONTEXT, "ELSE"), "unknown_criterion", "a"),
        (mark("a", "", CRITERION), None, "a"),
        ('<value criterion="x" criterion="x">a</value>', "not_well_formed", "a"),
        ('<value context="x">a</value>', "unreadable", '<value context="x">a</value>'),
        (f'{OPEN}a</value> <value context="', "unreadable", f'{OPEN}a</value> <value context="'),
        (f"<va{OPEN}lue b</value>", "unreadable", f"<va{OPEN}lue b</value>"),
        ("In code: <value>5</value>", None, "In code: <value>5</value>"),
    ],
)
def test_what_does_not_hold_loses_its_marks(marked: str, rule: str | None, text: str) -> None:
    found = read(marked, KNOWN)
    assert (found.rule, found.text) == (rule, text)
    assert found.marked_text == (marked if rule is None and text != marked else None)


@pytest.mark.parametrize(
    ("marked", "rule"),
    [
        (mark("an answer", CONTEXT, CRITERION), None),
        (mark("an Answer", CONTEXT, CRITERION), "text_changed"),
        (mark("an answer", CONTEXT, CRITERION) + " indeed", "text_changed"),
        ("another answer", "text_changed"),
        ("an answer", None),
        ("", None),
        (f'{OPEN}an answer</value> <value context="', "unreadable"),
    ],
)
def test_marks_change_no_word_of_an_answer_that_is_known(marked: str, rule: str | None) -> None:
    found = read(marked, KNOWN, "an answer")
    assert (found.text, found.rule) == ("an answer", rule)
    assert (found.marked_text == marked) == (rule is None and marked not in ("", "an answer"))
