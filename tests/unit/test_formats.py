"""Every format from tables small enough to read, the filters, the limits, and what goes where."""

import itertools
import json
from collections import defaultdict
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from dft_pipeline.formats.filtering import kept
from dft_pipeline.formats.formats import FORMATS, made, read_by
from dft_pipeline.formats.making import EXPORT, LENGTHS, Asked, Refused
from dft_pipeline.formats.names import DatasetFormat
from dft_pipeline.policies import (
    DEFAULT_ERASED,
    Aggregation,
    Filters,
    ParticipantPolicy,
    SnapshotSettings,
    Training,
)
from resources.lake import parquet
from tests.unit.export_world import (
    CALM,
    EXAMPLES,
    FACTS,
    MANIFEST,
    PAIRS,
    ROWS,
    SCORES,
    SPEED,
    asked,
    chats,
    example,
    export_of,
    row_id,
    rows_in,
    tables,
)

EVERY = list(DatasetFormat)
OF_PAIRS = [form for form in EVERY if "preference_pairs" in FORMATS[form].needs]


def with_pairs(*changes: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """The tables with these pairs: each the first pair but for what is said."""
    rows = [{**PAIRS[0], "pair_id": f"{number:032x}", **told} for number, told in enumerate(changes)]
    schema = tables()["preference_pairs"].schema
    return tables() | {"preference_pairs": pl.DataFrame(rows, schema)}


def made_of(form: DatasetFormat, given_: dict[str, pl.DataFrame], **told: Any) -> dict[str, bytes]:
    return made(form, given_, asked(**told), parquet)


@pytest.mark.parametrize("form", EVERY)
def test_the_example_in_the_docs_is_what_is_written(form: DatasetFormat) -> None:
    name, text = example(form)
    there = (EXAMPLES / name).read_text(encoding="utf-8")
    assert there == text, "python -m tests.unit.export_world writes the examples anew, or `make docs`"


def test_the_docs_have_no_example_of_anything_else() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == {example(form)[0] for form in EVERY}


@pytest.mark.parametrize("form", EVERY)
def test_the_same_tables_give_the_same_bytes_and_export_json_says_which(form: DatasetFormat) -> None:
    files = export_of(form)
    assert files == export_of(form)
    told = json.loads(files[EXPORT])
    assert (told["format"], told["as_of"], told["filters"]) == (form, "2024-01-14", {})
    assert set(told["files"]) == set(files) - {EXPORT}
    for path, said in told["files"].items():
        assert said["rows"] == (0 if path.endswith(".md") else len(rows_in(files, path)))
    sides = {path.rpartition("/")[2][:5] for path in files} & {"train", "test.", "test-", "valid"}
    assert len(sides) == (1 if form is DatasetFormat.CHAT_JSONL else 2), "a side without rows has no file"


@pytest.mark.parametrize("form", [form for form in EVERY if form is not DatasetFormat.CHAT_JSONL])
def test_every_row_stands_on_its_own_side(form: DatasetFormat) -> None:
    files = export_of(form)
    sides = {row["prompt_id"]: row["split"] for row in ROWS}
    for path in set(files) - {EXPORT, "README.md"}:
        name = path.rpartition("/")[2]
        assert {sides[row["prompt_id"]] for row in rows_in(files, path)} == {name.split(".")[0].split("-")[0]}


@pytest.mark.parametrize("form", [form for form in OF_PAIRS if form is not DatasetFormat.CHAT_JSONL])
def test_no_value_of_json_lines_is_null_or_empty_for_files_without_it_have_other_types(
    form: DatasetFormat,
) -> None:
    rows = [
        row
        for path, _ in export_of(form).items()
        if path.endswith(".jsonl")
        for row in rows_in(export_of(form), path)
    ]
    assert rows
    for row in rows:
        assert not [name for name, value in row.items() if value is None or value in ([], "")]
        assert row.keys() == rows[0].keys()


@pytest.mark.parametrize("form", EVERY)
def test_what_is_not_there_is_refused_by_name(form: DatasetFormat) -> None:
    every = chats() if form is DatasetFormat.CHAT_JSONL else tables()
    public = {"license": "cc0-1.0", "consent_basis": "asked"}
    assert set(read_by(form)) <= set(every) | {"judge_agreement"}
    for table in FORMATS[form].needs:
        lacking = {name: rows for name, rows in every.items() if name != table}
        with pytest.raises(Refused, match=f"format {form} needs {table}, and the snapshot of 2024-01-14 has"):
            made_of(form, lacking, **public)
    with pytest.raises(Refused, match=f"format {form} needs .*, and the filters keep none"):
        made_of(form, every, filters={"min_share": 1}, **public)


def test_an_empty_table_is_as_good_as_none() -> None:
    none = tables() | {"preference_pairs": tables()["preference_pairs"].clear()}
    with pytest.raises(Refused, match=r"needs preference_pairs, and the snapshot .* has none: it takes comp"):
        made_of(DatasetFormat.TRL_SFT, none)
    files = made_of(DatasetFormat.REWARD, none)
    assert not [path for path in files if path.startswith("preference_pairs")]


# Filters


def by_key(rows: pl.DataFrame, *key: str) -> dict[Any, dict[str, Any]]:
    return {tuple(row[name] for name in key): row for row in rows.iter_rows(named=True)}


def test_without_a_filter_tables_are_as_they_are_and_one_that_keeps_all_changes_nothing() -> None:
    every = tables()
    assert kept(every, Filters()) is every
    remade = kept(every, Filters(min_share=0.0))
    for name, rows in every.items():
        assert_frame_equal(remade[name], rows, check_exact=False)


def test_weights_rewards_and_gaps_are_made_anew_from_the_rows_that_are_kept() -> None:
    """At a share of 0.5 the prompt abortion loses FACTS: CALM weighs all, and rewards are how calm it is."""
    left = kept(tables(), Filters(min_share=0.5))
    assert left["reward_rows"]["row_id"].to_list() == [row_id(1), row_id(4), row_id(3)]
    weights = left["rubric_rows"].filter(prompt_id="abortion")["weight"].to_list()
    assert weights == [0.5, 0.5]
    scores = by_key(left["completion_scores"], "completion_id", "value_id")
    assert ("calm", FACTS) not in scores
    assert (scores["calm", CALM]["reward"], scores["curt", CALM]["reward"]) == (1.0, 0.0)
    pairs = by_key(left["preference_pairs"], "chosen_id")
    assert (pairs["calm",]["gap"], pairs["calm",]["chosen_reward"]) == (1.0, 1.0)
    assert pairs["facts",]["gap"] == 1.0


def test_a_pair_goes_with_its_value_its_edge_and_a_gap_that_is_none_any_more() -> None:
    for_value = with_pairs(
        {"reason": "execution", "value_id": FACTS, "edge_id": None, "row_ids": [row_id(2)]}
    )
    assert kept(for_value, Filters(min_share=0.5))["preference_pairs"].is_empty()
    with_edge = with_pairs({"edge_id": "context:When in distress|2|1"}, {})
    assert len(kept(with_edge, Filters(min_survival=0.6))["preference_pairs"]) == 1
    revision = {"reason": "revision", "value_id": None, "edge_id": None, "row_ids": [row_id(1), row_id(2)]}
    assert len(kept(with_pairs(revision), Filters(min_share=0.4))["preference_pairs"]) == 1
    assert kept(with_pairs(revision), Filters(min_share=0.5))["preference_pairs"].is_empty()
    turned = {"chosen_id": "curt", "rejected_id": "calm"}
    assert kept(with_pairs(turned), Filters(min_share=0.5))["preference_pairs"].is_empty()
    unknown = {"gap": None, "chosen_reward": None, "rejected_reward": None}
    (one,) = kept(with_pairs(unknown), Filters(min_share=0.5))["preference_pairs"].to_dicts()
    assert (one["gap"], one["chosen_reward"]) == (None, None)


def test_a_pair_names_only_rows_that_are_kept() -> None:
    both = with_pairs({"row_ids": [row_id(1), row_id(2)]})
    (left,) = kept(both, Filters(min_share=0.5))["preference_pairs"].to_dicts()
    assert left["row_ids"] == [row_id(1)]


def test_a_row_without_a_figure_passes_no_bound() -> None:
    left = kept(tables(), Filters(max_q=0.1))
    assert left["reward_rows"]["row_id"].to_list() == [row_id(1)]
    assert left["completions"]["completion_id"].to_list() == ["calm", "curt"]
    assert left["value_pairs"]["less_wise_value_id"].to_list() == [SPEED]
    assert set(left["criterion_scores"]["value_id"]) == {CALM}


def test_a_completion_goes_with_the_row_that_guided_it() -> None:
    """Without CALM's row, calm goes, and the pair that prefers it."""
    rows = tables()["reward_rows"].with_columns(
        share=pl.when(pl.col("row_id") == row_id(1)).then(0.1).otherwise("share")
    )
    left = kept(tables() | {"reward_rows": rows}, Filters(min_share=0.3))
    assert "calm" not in set(left["completions"]["completion_id"])
    assert "calm" not in set(left["completion_scores"]["completion_id"])
    assert "calm" not in set(left["preference_pairs"]["chosen_id"])


def test_a_pair_goes_with_either_of_its_completions() -> None:
    """By FACTS, whose row stays, with an end that CALM's row guided, which goes."""
    rows = tables()["reward_rows"].with_columns(
        share=pl.when(pl.col("row_id") == row_id(1)).then(0.1).otherwise("share")
    )
    by_facts = {"reason": "ranked", "value_id": FACTS, "edge_id": None, "row_ids": [row_id(2)]}
    turned = {"chosen_id": "curt", "rejected_id": "calm"}
    for ends in ({}, turned):
        left = kept(with_pairs(by_facts | ends) | {"reward_rows": rows}, Filters(min_share=0.3))
        assert left["preference_pairs"].is_empty()
        assert not left["reward_rows"].filter(row_id=row_id(2)).is_empty()


@given(st.lists(st.integers(1, 100), min_size=4, max_size=4), st.integers(0, 100))
def test_rewards_are_what_a_plain_reading_gives(shares: list[int], least: int) -> None:
    rows = tables()["reward_rows"].with_columns(
        share=pl.Series([share / 100 for share in shares]), row_survival=pl.Series([1.0] * 4)
    )
    left = kept(tables() | {"reward_rows": rows}, Filters(min_share=least / 100))
    executed = {(row["completion_id"], row["value_id"]): row["executed"] for row in SCORES}
    shares_of: dict[str, dict[int, float]] = defaultdict(dict)
    for row in rows.filter(pl.col("share") >= least / 100).iter_rows(named=True):
        shares_of[row["prompt_id"]][row["value_id"]] = row["share"]
    for row in left["completion_scores"].iter_rows(named=True):
        of = shares_of[row["prompt_id"]]
        wanted = sum(share * executed[row["completion_id"], value] for value, share in of.items())
        assert row["reward"] == pytest.approx(wanted / sum(of.values()))
    sums = left["rubric_rows"].group_by("prompt_id").agg(pl.col("weight").sum())
    assert sums["weight"].to_list() == pytest.approx([1.0] * len(shares_of))


# What goes where


def test_raters_and_what_was_set_aside_stay_behind() -> None:
    files = export_of(DatasetFormat.REWARD)
    raters = {row["rater"] for row in rows_in(files, "criterion_scores/train.parquet")}
    assert raters == {None, "judge-1"}
    texts = [
        row["text"] for side in ("train", "test") for row in rows_in(files, f"completions/{side}.parquet")
    ]
    assert "No, you fool." not in texts
    assert json.loads(files[EXPORT])["left_out"] == {"set_aside": 1}


def test_letters_are_written_as_they_are() -> None:
    assert "Is green tea “healthy”?".encode() in export_of(DatasetFormat.RUBRIC)["test.jsonl"]


def rows_of(form: DatasetFormat, given_: dict[str, pl.DataFrame], **told: Any) -> list[dict[str, Any]]:
    return rows_in(made_of(form, given_, **told), "train.jsonl")


def test_a_margin_is_in_logits_and_only_where_it_is_asked_for() -> None:
    given_ = with_pairs({"gap": 0.4}, {"gap": None})
    plain = rows_of(DatasetFormat.TRL_PREFERENCE, given_)
    assert ["margin" in row for row in plain] == [False, False]
    files = made_of(DatasetFormat.TRL_PREFERENCE, given_, margin_scale=5.0)
    assert [row["margin"] for row in rows_in(files, "train.jsonl")] == [2.0]
    told = json.loads(files[EXPORT])
    assert (told["left_out"], told["margin_scale"]) == ({"no_gap": 1}, 5.0)
    with pytest.raises(Refused, match="no pair has a gap"):
        made_of(DatasetFormat.TRL_PREFERENCE, with_pairs({"gap": None}), margin_scale=1.0)


def test_a_completion_that_is_preferred_once_and_rejected_once_has_no_label() -> None:
    names = ("a", "b", "c")
    ends = [
        {"chosen_id": one, "rejected_id": other, "chosen": one, "rejected": other}
        for one, other in itertools.pairwise(names)
    ]
    files = made_of(DatasetFormat.TRL_UNPAIRED_PREFERENCE, with_pairs(*ends))
    rows = rows_in(files, "train.jsonl")
    assert [(row["completion_id"], row["label"]) for row in rows] == [("a", True), ("c", False)]
    assert json.loads(files[EXPORT])["left_out"] == {"either_way": 1}


def test_completions_that_say_the_same_are_one() -> None:
    """`a` is preferred and `z`, with its words, rejected: no label, and no best; `b` and `c` are one."""
    ends = [
        {"chosen_id": "a", "chosen": "Yes.", "rejected_id": "c", "rejected": "No."},
        {"chosen_id": "x", "chosen": "Maybe.", "rejected_id": "z", "rejected": " yes. "},
        {"chosen_id": "x", "chosen": "Maybe.", "rejected_id": "b", "rejected": "NO."},
    ]
    files = made_of(DatasetFormat.TRL_UNPAIRED_PREFERENCE, with_pairs(*ends))
    rows = rows_in(files, "train.jsonl")
    assert [(row["completion_id"], row["label"], len(row["pair_ids"])) for row in rows] == [
        ("b", False, 2),
        ("x", True, 2),
    ]
    assert rows[0]["completion"][0]["content"] == "NO.", "as the completion of that id has it"
    assert json.loads(files[EXPORT])["left_out"] == {"either_way": 1}
    (best,) = rows_of(DatasetFormat.TRL_SFT, with_pairs(ends[0], {**ends[1], "chosen_reward": None}))
    assert best["completion_id"] == "x"


@pytest.mark.parametrize(
    ("pairs", "best"),
    [
        ([("a", 0.5, "z"), ("b", 0.9, "y")], "b"),
        ([("a", None, "z"), ("b", 0.1, "y")], "b"),
        ([("b", None, "z"), ("a", None, "y"), ("b", None, "y")], "b"),
        ([("b", 0.5, "z"), ("a", 0.5, "y")], "a"),
        ([("b", 0.9, "z"), ("a", 0.8, "b")], "a"),
        ([("a", 0.9, "b"), ("b", 0.8, "a")], None),
    ],
    ids=["reward", "known", "wins", "id", "never rejected", "none"],
)
def test_the_best_of_a_prompt(pairs: list[tuple[str, float | None, str]], best: str | None) -> None:
    ends = [
        {"chosen_id": one, "chosen": one, "chosen_reward": reward, "rejected_id": other, "rejected": other}
        for one, reward, other in pairs
    ]
    if best is None:
        with pytest.raises(Refused, match=r"nothing is left to write: \{'prompts_without_best': 1\}"):
            made_of(DatasetFormat.TRL_SFT, with_pairs(*ends))
    else:
        (row,) = rows_of(DatasetFormat.TRL_SFT, with_pairs(*ends))
        assert row["completion"] == [{"role": "assistant", "content": best}]


def test_a_chat_has_messages_alone_and_its_provenance_beside_it() -> None:
    files = export_of(DatasetFormat.CHAT_JSONL)
    lines, sources = rows_in(files, "train.jsonl"), rows_in(files, "provenance.jsonl")
    assert {tuple(line) for line in lines} == {("messages",)}
    assert [(one["file"], one["line"]) for one in sources] == [
        ("train.jsonl", place) for place in range(1, 11)
    ]
    for line, source in zip(lines, sources, strict=True):
        number = source["prompt_id"].removeprefix("sum-")
        assert line["messages"][0]["content"] == f"What is {number} + {number}?"
        assert source["row_ids"] == [row_id(int(number))]


def test_less_wise_values_are_negatives_unless_they_were_chosen_too() -> None:
    (abortion, _) = rows_in(export_of(DatasetFormat.VALUE_CHOICE), "train.parquet")
    assert {value["value_id"]: value["is_wise"] for value in abortion["values"]} == {
        CALM: True,
        FACTS: True,
        SPEED: False,
    }
    assert abortion["contexts"] == [
        {"context_id": "When in distress", "applies": True},
        {"context_id": "When joking", "applies": False},
    ]


def is_wise(files: dict[str, bytes], prompt_id: str) -> dict[int, bool]:
    rows = rows_in(files, "train.parquet")
    (values,) = [row["values"] for row in rows if row["prompt_id"] == prompt_id]
    return {value["value_id"]: value["is_wise"] for value in values}


def test_what_gamma_chose_is_never_less_wise_whatever_is_filtered() -> None:
    """An edge leaves FACTS, whose row the filter takes: it is neither wise there nor less wise."""
    sure = tables()["value_pairs"].with_columns(bootstrap_survival=pl.lit(1.0))
    for filters in ({"min_share": 0.5}, {"min_survival": 0.6}):
        files = made_of(DatasetFormat.VALUE_CHOICE, tables() | {"value_pairs": sure}, filters=filters)
        assert is_wise(files, "abortion") == {CALM: True, SPEED: False}
        assert json.loads(files[EXPORT])["left_out"]["less_wise_but_chosen"] == 1


@pytest.mark.parametrize(("context", "found"), [("When in distress", True), ("When joking", False)])
def test_a_further_prompt_has_the_less_wise_values_of_its_case_and_context(context: str, found: bool) -> None:
    told = {"prompt_id": "further", "prompt": "I am scared.", "case_id": "abortion", "context_id": context}
    rows = pl.DataFrame([ROWS[0] | told | {"row_id": row_id(9)}], tables()["reward_rows"].schema)
    every = tables() | {"reward_rows": pl.concat([tables()["reward_rows"], rows])}
    lower = {SPEED: False, FACTS: False} if found else {}
    assert is_wise(made_of(DatasetFormat.VALUE_CHOICE, every), "further") == {CALM: True} | lower


# Limits


@pytest.mark.parametrize(
    ("form", "told", "limit"),
    [
        (DatasetFormat.TRL_PREFERENCE, {"chosen": " \n"}, "blank_chosen"),
        (DatasetFormat.TRL_PREFERENCE, {"rejected": ""}, "blank_rejected"),
        (DatasetFormat.TRL_PREFERENCE_PLAIN, {"prompt": " "}, "blank_prompt"),
        (DatasetFormat.TRL_PREFERENCE_PLAIN, {"chosen": "same", "rejected": "same"}, "same_text_twice"),
        (DatasetFormat.TRL_UNPAIRED_PREFERENCE, {"rejected": ""}, "blank_completion"),
        (DatasetFormat.TRL_SFT, {"chosen": ""}, "blank_completion"),
        (DatasetFormat.TRL_SFT, {"row_ids": []}, "no_provenance"),
        (DatasetFormat.CHAT_JSONL, {}, "at_least_10_examples"),
    ],
)
def test_what_breaks_a_limit_is_refused_by_its_name(
    form: DatasetFormat, told: dict[str, Any], limit: str
) -> None:
    assert limit in FORMATS[form].limits
    with pytest.raises(Refused, match=rf"format {form} does not take this: {limit} \(1 times, first at "):
        made_of(form, with_pairs(told))


@pytest.mark.parametrize(
    ("column", "value", "limit"),
    [
        ("criterion", "", "blank_criterion"),
        ("weight", 0.0, "points_above_0"),
        ("weight", 0.9, "weights_sum_to_1"),
        ("row_ids", [], "no_provenance"),
    ],
)
def test_a_rubric_has_limits_too(column: str, value: Any, limit: str) -> None:
    every = tables()
    rubrics = every["rubric_rows"].with_columns(
        pl.lit(value, every["rubric_rows"].schema[column]).alias(column)
    )
    assert limit in FORMATS[DatasetFormat.RUBRIC].limits
    with pytest.raises(Refused, match=limit):
        made_of(DatasetFormat.RUBRIC, every | {"rubric_rows": rubrics})


def bounded(largest: float, **told: Any) -> Asked:
    """What is asked for of a snapshot whose pairs may lean so far to the longer text."""
    settings = SnapshotSettings(training=Training(max_length_correlation=largest)).model_dump(mode="json")
    every = asked(license="CC-BY-4.0", consent_basis="asked", **told)
    return every._replace(snapshot=every.snapshot._replace(manifest=MANIFEST | {"settings": settings}))


WITH_PAIRS = [form for form in EVERY if LENGTHS in FORMATS[form].limits]
SHORT, LONG = {"chosen_length": 10, "rejected_length": 20}, {"chosen_length": 20, "rejected_length": 10}


@pytest.mark.parametrize("form", WITH_PAIRS)
def test_pairs_that_are_left_do_not_lean_to_the_longer_text(form: DatasetFormat) -> None:
    """Two pairs weigh each other out, until a filter takes the one by FACTS."""
    by_facts = {"reason": "execution", "value_id": FACTS, "edge_id": None, "row_ids": [row_id(2)]}
    given_ = with_pairs(SHORT, LONG | by_facts | {"chosen_id": "curt", "rejected_id": "calm"})
    assert made(form, with_pairs(SHORT, LONG), bounded(0.0), parquet)
    every = {"filters": {"min_share": 0.5}}
    with pytest.raises(
        Refused, match=rf"format {form} does .* length_correlation \(1 times, .* -1.00 and not"
    ):
        made(form, given_, bounded(0.99, **every), parquet)
    assert made(form, given_, bounded(1.0, **every), parquet)


def test_pairs_with_a_margin_do_not_lean_either() -> None:
    given_ = with_pairs(SHORT, LONG | {"gap": None})
    assert made(DatasetFormat.TRL_PREFERENCE, given_, bounded(0.3), parquet)
    with pytest.raises(Refused, match="length_correlation"):
        made(DatasetFormat.TRL_PREFERENCE, given_, bounded(0.3, margin_scale=2.0), parquet)


def test_every_format_of_two_texts_bounds_how_they_lean() -> None:
    one_text = {DatasetFormat.TRL_SFT, DatasetFormat.CHAT_JSONL}
    assert set(WITH_PAIRS) == {form for form in EVERY if "preference_pairs" in read_by(form)} - one_text


# The card


def card(given_: dict[str, pl.DataFrame], **told: Any) -> str:
    public = {"license": "CC-BY-4.0", "consent_basis": "asked"} | told
    return made_of(DatasetFormat.HF, given_, **public)["README.md"].decode()


def test_the_card_names_every_file_that_is_there() -> None:
    files = export_of(DatasetFormat.HF)
    front = yaml.safe_load(files["README.md"].decode().split("---\n")[1])
    paths = {file["path"] for config in front["configs"] for file in config["data_files"]}
    assert paths == {path for path in files if path.endswith(".parquet")}
    assert (front["license"], front["size_categories"]) == ("cc-by-4.0", ["n<1K"])
    assert [config["config_name"] for config in front["configs"] if config.get("default")] == ["reward_rows"]


def test_no_text_of_the_data_is_markup_in_the_card() -> None:
    every = tables()
    groups = every["demographic_coverage"].with_columns(answer=pl.lit("<b>[x](http://a)|\n# y"))
    text = card(every | {"demographic_coverage": groups}, consent_basis="<script>\n# I\n| agree" + "!" * 99)
    assert "<b>" not in text
    assert "<script>" not in text
    assert "[x]" not in text
    assert not [line for line in text.split("\n") if line.startswith(("# y", "# I", "| agree"))]
    assert "!" * 99 in text, "what a team says of consent is not shortened"


def test_the_card_says_whether_a_judge_is_trusted() -> None:
    every = tables()
    assert "not found to agree with people enough (100 items, and a kappa of 0.6)**; so its scores" in card(
        every
    )
    told = {"judge": "judge-1", "items": 120, "agreed": 110, "kappa": 0.8, "is_trusted": True}
    agreed = pl.DataFrame([told])
    trusted = agreed.with_columns(value_id=pl.lit(None, pl.Int64), criterion_index=pl.lit(None, pl.Int64))
    assert "was found to agree with people enough." in card(every | {"judge_agreement": trusted})
    people = every["criterion_scores"].filter(rater_role="participant")
    assert "All 11 scores of completions are people's." in card(every | {"criterion_scores": people})
    graph = {name: rows for name, rows in every.items() if "completion" not in name and "criter" not in name}
    assert "No completion was scored" in card(graph)


def test_the_card_counts_who_did_something_and_says_what_shares_are_of() -> None:
    text = card(tables())
    assert "45 people took part" in text, "five signed up, and did nothing"
    assert (
        "50 are known to have signed up, whatever they did; of these are the people and shares below" in text
    )


def test_the_card_has_every_setting_but_who_is_excluded() -> None:
    aggregation = Aggregation(h=None, voted=False)
    people = ParticipantPolicy(name="adults", version=3, excluded=("a" * 32,), test_comment="a|b")
    settings = SnapshotSettings(
        policy=DEFAULT_ERASED,
        aggregation=aggregation,
        participants=people,
        training=Training(max_length_correlation=1),
    )
    told = settings.model_dump(mode="json")
    snapshot = asked().snapshot._replace(manifest=MANIFEST | {"settings": told})
    public = asked(license="CC-BY-4.0", consent_basis="asked")._replace(snapshot=snapshot)
    pairs = with_pairs(SHORT, SHORT, LONG)
    files = made(DatasetFormat.HF, pairs | {"completions": tables()["completions"]}, public, parquet)
    text = files["README.md"].decode()
    for said in (
        "name default-erased, version 1, ",
        "erase_votes yes",
        "unwind component",
        "entropy_counts marked_wiser marked_not_wiser",
        "h all",
        "articulated yes",
        "voted no",
        "name adults, version 3",
        "excluded 1, ",
        "test_comment a&#124;b",
        "dedup offline, given_first yes",
    ):
        assert said in text, said
    assert "a" * 32 not in text
    groups = {name for name, value in told.items() if isinstance(value, dict)}
    for name in {*told} - groups | {one for group in groups for one in told[group]}:
        assert f"{name} " in text, name
    assert "preferred with the log of the length is -0.33" in text


def test_the_card_counts_only_scores_that_are_written() -> None:
    every = tables()
    one = every["criterion_scores"].filter(rater_role="model")
    own = one.with_columns(self_judged=pl.lit(True), criterion_index=pl.lit(1, pl.Int64))
    aside = one.with_columns(completion_id=pl.lit("rude"))
    text = card(every | {"criterion_scores": pl.concat([every["criterion_scores"], own, aside])})
    assert "Of 13 scores of completions 2 are a model's, 1 of them of what the same model wrote" in text


def test_each_format_has_its_place_in_the_table() -> None:
    assert list(FORMATS) == EVERY
    assert {name: form.name for name, form in FORMATS.items()} == {name: name for name in EVERY}
