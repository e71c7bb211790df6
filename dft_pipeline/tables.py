"""The tables of a snapshot: one declaration per table of grain, key, columns, types, ranges and meaning.

What belongs here: what a table *is*. The contract of a frame, the Parquet schema, the tests' generators and
the data dictionary in `docs/` all come from this page; how a table is computed stands elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import dataframely as dy
import polars as pl

from dft_pipeline.contracts import RowRule, contract
from dft_pipeline.raw.tables import FULLY, NOT_AT_ALL, RATER_ROLES, RELATIONSHIPS

MOST_ENTROPY = 2.33  # bits: of five equal counts, the most that any policy adds up (log2 5 = 2.32...)
FIRST_DAY = "2023-01-01"  # before the first deliberation; the first day that a snapshot can be of


@dataclass(frozen=True)
class Table:
    """A table of a snapshot. `key` identifies a row and gives the order of rows in the file.

    A column's `description` is its meaning and unit; `rules` are about several columns of one row.
    """

    name: str
    stage: str
    grain: str
    key: tuple[str, ...]
    columns: Mapping[str, dy.Column]
    rules: tuple[RowRule, ...] = ()

    @property
    def schema(self) -> pl.Schema:
        return pl.Schema({name: column.dtype for name, column in self.columns.items()})

    @cached_property
    def contract(self) -> type[dy.Schema]:
        """What every row of the table holds to, but for its key, which is about all rows together."""
        return contract(self.name, self.columns, self.rules)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with exactly this table's columns and types, sorted by key, in one chunk.

        Raises polars.exceptions.PolarsError where a column is missing or a value does not fit its type.
        """
        # One chunk: Parquet's bytes depend on the chunks of a frame, and equal frames must give equal files.
        return frame.select(self.columns.keys()).cast(self.schema).sort(self.key).rechunk()


def _text(meaning: str, nullable: bool = False) -> dy.Column:
    return dy.String(description=meaning, nullable=nullable)


def _one_of(meaning: str, *names: str, nullable: bool = False) -> dy.Column:
    return dy.String(description=meaning, regex=f"^({'|'.join(names)})$", nullable=nullable)


def _hex(meaning: str, digits: int) -> dy.Column:
    return dy.String(description=meaning, regex=f"^[0-9a-f]{{{digits}}}$")


def _hex_or_none(meaning: str, digits: int) -> dy.Column:
    return dy.String(description=meaning, regex=f"^[0-9a-f]{{{digits}}}$", nullable=True)


def _count_or_none(meaning: str) -> dy.Column:
    return dy.Int64(description=meaning, min=0, nullable=True)


def _count(meaning: str) -> dy.Column:
    return dy.Int64(description=meaning, min=0)


def _id(meaning: str, nullable: bool = False) -> dy.Column:
    return dy.Int64(description=meaning, nullable=nullable)


def _rate(meaning: str, low: float | None = 0, high: float | None = 1, nullable: bool = False) -> dy.Column:
    return dy.Float64(description=meaning, min=low, max=high, nullable=nullable)


def _yes(meaning: str, nullable: bool = False) -> dy.Column:
    return dy.Bool(description=meaning, nullable=nullable)


def _time(meaning: str) -> dy.Column:
    return dy.Datetime(description=meaning, time_zone="UTC", time_unit="us")


def _texts(meaning: str, nullable: bool = False) -> dy.Column:
    return dy.List(dy.String(), description=meaning, nullable=nullable)


def _ids(meaning: str) -> dy.Column:
    return dy.List(dy.Int64(), description=meaning)


def _turns(meaning: str) -> dy.Column:
    return dy.List(dy.List(dy.Int64(min=0)), description=meaning, nullable=True)


def _decisions(meaning: str) -> dy.Column:
    key = {
        "card_kind": dy.String(),
        "card_id": dy.Int64(),
        "other_card_kind": dy.String(),
        "other_card_id": dy.Int64(),
    }
    return dy.List(dy.Struct(key), description=meaning)


def _texts_of(end: str) -> Mapping[str, dy.Column]:
    """The texts of a value at one end of a pair."""
    return {
        f"{end}_title": _text("its name"),
        f"{end}_instructions": _text("what the chatbot should do, in full"),
        f"{end}_criteria": _texts("its evaluation criteria, in the card's own order"),
    }


def _edges(meaning: str) -> dy.Column:
    edge = {
        "source_value_id": dy.Int64(),
        "wiser_value_id": dy.Int64(),
        "wiser_likelihood": dy.Float64(min=-1, max=1),
        "marked_wiser": dy.Int64(min=0),
    }
    return dy.List(dy.Struct(edge), description=meaning)


def _answers(meaning: str) -> dy.Column:
    answers = {
        "group": dy.String(),
        "participant_count": dy.Int64(min=0),
        **{answer: dy.Int64(min=0, nullable=True) for answer in RELATIONSHIPS},
    }
    return dy.List(dy.Struct(answers), description=meaning)


def _day(meaning: str) -> dy.Column:
    return dy.Date(description=meaning)


def _only_where(status: str, column: str) -> RowRule:
    """The column has something for that status, and for no other."""
    return RowRule(
        f"{column}_where_{status}", column, (pl.col("status") == status) == pl.col(column).is_not_null()
    )


PARTICIPANT = _hex("the participant's pseudonym: 32 hex digits of a keyed hash of the app's id", 32)
SOURCE = _id("the value that one moves from")
WISER = _id("the value that is proposed as wiser")
CONTEXT = _text('the "When ..." string in which the upgrade is said to apply')
ANSWER = _one_of("the answer: `upgrade`, `no_upgrade` or `not_sure`", *RELATIONSHIPS)
KIND = _one_of(
    "`card` (a participant's), `written` (a participant's, written by a language model from a finished chat) "
    "or `canonical` (the app's)",
    "card",
    "written",
    "canonical",
)
SCOPE = dy.String(
    description="`all`, `case:ID` or `context:ID`: which judgments count", regex="^(all|case:.+|context:.+)$"
)

VALUE_TEXTS: Mapping[str, dy.Column] = {
    "title": _text("the value's name"),
    "instructions_short": _text("what the chatbot should do, in a sentence"),
    "instructions_detailed": _text("what the chatbot should do, in full"),
    "criteria": _texts("the evaluation criteria, in the card's own order"),
}
WRITTEN: Mapping[str, dy.Column] = {
    "created_at": _time("when the value was written"),
    "updated_at": _time("when its text was last changed"),
}

COUNTS: Mapping[str, dy.Column] = {
    "contexts": _texts("the distinct contexts of all judgments of the pair, either way, sorted"),
    "marked_wiser": _count("judgments source → wiser that say `upgrade`"),
    "marked_not_wiser": _count("judgments source → wiser that say `no_upgrade`"),
    "marked_less_wise": _count("judgments wiser → source that say `upgrade`"),
    "marked_unsure": _count("judgments source → wiser that say `not_sure`"),
    "judgments_both_ways": _count("all judgments source → wiser plus all judgments wiser → source"),
    "wiser_likelihood": _rate(
        "(marked_wiser − marked_less_wise) / the sum of the four marks: net agreement, −1 to 1; "
        "null where there are no marks",
        low=-1,
        nullable=True,
    ),
    "entropy": _rate(
        "Shannon entropy of the policy's counts, in bits; null where they are all 0",
        high=MOST_ENTROPY,
        nullable=True,
    ),
}
PAIR: Mapping[str, dy.Column] = {"scope": SCOPE, "source_value_id": SOURCE, "wiser_value_id": WISER}
REASON = _text("the first rule of the policy that rejects the pair", nullable=True)
ORDERED_PAIR = ("source_value_id", "wiser_value_id")
PAIR_KEY = ("scope", *ORDERED_PAIR)

PROMPT: Mapping[str, dy.Column] = {
    "prompt_id": _text("the prompt: a case's id"),
    "prompt": _text("what the user asked"),
    "context_id": _text("the context; null for the case alone", nullable=True),
}
SIDE: Mapping[str, dy.Column] = {
    "split": _one_of("`train`, `validation` or `test`, by a hash of the case", "train", "validation", "test"),
    "fold": _id("leave-one-case-out fold, where there are fewer than ten cases", nullable=True),
}

TURN_INDEX = _count_or_none(
    "which of a conversation's user turns, from 0; null for a case, or for a prompt of one text"
)
SOURCE_PROMPT = _text("the further prompt or conversation as it was loaded; null for a case", nullable=True)

REQUEST: Mapping[str, dy.Column] = {
    "request_id": _hex("the question's hash; `custom_id` in a batch file", 64),
    "prompt_name": _text("the prompt that it is asked with, in `prompts/`"),
    "prompt_version": _count("the prompt's version"),
    "prompt_id": _text("the prompt that completions answer; of several of the same text the first"),
    "completion_id": _text("the completion that it is about; null where one is to be written", nullable=True),
    "model": _text("the model that is asked"),
    "request": _text("the body of the call, as JSON; it names no participant"),
}

SET_ASIDE_KEY = ("table", "key", "column", "rule", "source", "value")
SET_ASIDE: Mapping[str, dy.Column] = {
    "table": _text("the source table"),
    "key": _text("the row's key as JSON, participants as pseudonyms; null where it has none", nullable=True),
    "column": _text("the column that breaks the rule", nullable=True),
    "rule": _text("the rule that set it aside"),
    "value": _text("the offending value, shortened; null where it identifies a person", nullable=True),
    "source": _text("where it was read: file and row, or the raw table"),
}
GROUP = _text(
    "self-reported political affiliation, `unknown` where there is none, `all` for everybody; groups of few "
    "judges are left out, and as many more as it takes that they do not follow from the total"
)
FIELD = _one_of(
    "what people are grouped by: `usPoliticalAffiliation`, `sex` or `age_band`",
    "usPoliticalAffiliation",
    "sex",
    "age_band",
)
BY_FIELD = _text(
    "the answer that they have in common, `unknown` where there is none; small groups are left out, and as "
    "many more as it takes that they do not follow from the total"
)
GROUPING = _text(
    "`exact`: cards with the same text; `offline`: by what cards say, without a language model, where the "
    "snapshot is made otherwise; `snapshot`: this day's `card_values`; `generation:N`: the app's background "
    "deduplication of that number; `given`: the app's own assignment. Only those that have any card"
)
SUPPORT = ("articulated", "voted", "judged_wiser")  # how a participant supports a value by themselves
OF_CASE = pl.col("how") != "judged_wiser"
AGGREGATIONS = ("gamma", "votes", "vote_rate", "wisdom", "pagerank", "sinks", "minority_wisdom")
NO_CARD = "null where there is none"
PAIR_REASONS = ("execution", "ranked", "wiser_value", "shuffled_value", "naive", "revision")
PAIR_REASON = _one_of(
    "`execution`: it executes a value better by the gap; `ranked`: so many more people put it above, by a "
    "value; `wiser_value`: guided by the wiser value of an edge, against the less wise one; "
    "`shuffled_value`: guided by a value of the prompt, against one that has nothing to do with it; `naive`: "
    "guided, against not; `revision`: revised after a critique, against what it was before",
    *PAIR_REASONS,
)
PAIR_RULES = (
    "set_aside",
    "same_text",
    "unscored",
    "unlike_scorers",
    "untrusted_judge",
    "small_gap",
    "reward_disagrees",
    "contradicted",
    "most_per_prompt",
    "unlike_length",
)
VALUE_SPLIT = _one_of(
    "`train`, `validation` or `test`, by a hash of the value's id, which holds values out",
    *("train", "validation", "test"),
)
IS_CONTESTED = _yes(
    "whether the value stands in a dispute (`contested`) in the scope of the prompt's case, or of one of its "
    "contexts"
)
LEFT_OUT_RULES = (
    "unknown_completion",
    "set_aside_completion",
    "unknown_value",
    "unknown_criterion",
    "not_the_author",
)
RATER = _text("the rater's pseudonym, as `participant_id` elsewhere, or the model's name")
STEP = dy.Int64(
    description="how well, from 1 (not at all) to 5 (fully)", min=NOT_AT_ALL, max=FULLY, nullable=True
)
WITHHELD = "null where it, or what follows from it, rests on fewer than 5 people of a group"

# What an edge's evidence is on the rows downstream of it as well.
EVIDENCE: Mapping[str, dy.Column] = {
    "asked_reverse": _count("judgments wiser → source, whatever they say"),
    "p_base": _rate(
        "P(marked_wiser or more upgrades) where each participant's answers are shuffled among all "
        "the judgments of theirs that count, in whatever scope: the upper tail of the sum of "
        "independent draws, one per judge source → wiser, each with the judge's own share of "
        "`upgrade`. Exact, as endlessly many shuffles would give it"
    ),
    "q_base": _rate(
        "Benjamini and Hochberg's adjusted p_base: the smallest p · m / rank at this p or a larger "
        "one, among the m ordered pairs of the scope with as many judgments source → wiser as the "
        "policy wants upgrades, edges or not; rank counts the pairs with the same p or a smaller one"
    ),
    "p_direction": _rate(
        "P(θ(source → wiser) > θ(wiser → source)), where θ is the share of `upgrade` and has the "
        "posterior Beta(s · m + upgrades, s · (1 − m) + other answers); s is the setting "
        "`prior_strength`, m the share of `upgrade` in all judgments of the snapshot, one `upgrade` "
        "and one other answer added. Null where asked_reverse is below the setting `min_reverse` (5)",
        nullable=True,
    ),
    "bootstrap_survival": _rate(
        "share of the resamples of participants (300, seeded; in each a participant counts a "
        "Poisson(1) number of times) in which the pair passes all rules of the policy, loops aside"
    ),
    "votes_to_flip": _count_or_none(
        "the fewest participants who, added with one answer each (source → wiser or wiser → source, "
        "all the same or mixed), make a rule of the policy reject the pair, loops aside; null where "
        "the setting `most_added` (1,000) is not enough"
    ),
}
SURENESS: Mapping[str, dy.Column] = {
    "row_survival": _rate(
        "share of the resamples of participants (those of `bootstrap_survival`, in which everybody counts as "
        "often as there) in which Γ would still have chosen the value there. The graph, its pageranks and "
        "along which edges each person is carried are taken as they stand; support and exposure at h are "
        "counted anew, and what is chosen of them. How surely the edges stand is said beside it"
    ),
    "edge_survival": _rate(
        "the highest `bootstrap_survival` of the edges in edge_ids; null where there are none", nullable=True
    ),
    "edge_q_base": _rate(
        "the lowest `q_base` of the edges in edge_ids; null where there are none", nullable=True
    ),
}

_TABLES = (
    Table(
        "canonical_values",
        "values",
        "a value that cards were merged into",
        ("value_id",),
        {
            "value_id": _id("the value"),
            **VALUE_TEXTS,
            "card_count": _count(
                "participants' cards that became this value, those that a model wrote among them"
            ),
            "representative_card_id": _id("the card whose text the value has"),
            "representative_card_kind": KIND,
            **WRITTEN,
        },
    ),
    Table(
        "card_embeddings",
        "values",
        "a distinct text of cards as the vector that cards are compared by",
        ("text_hash",),
        {
            "text_hash": _hex("SHA-256 of the embedded text, hex", 64),
            "model": _text("the embedding model; vectors of two models are not comparable"),
            "dimension": _count("how many numbers the vector has"),
            "embedding": dy.List(
                dy.Float32(), description="the vector, of length 1; all zero where the text is empty"
            ),
        },
    ),
    Table(
        "card_values",
        "values",
        "a card and the value it became",
        ("card_kind", "card_id"),
        {
            "card_kind": KIND,
            "card_id": _id(
                "the card; of a `written` one `written_card_id` of its chat in `articulated_cards`"
            ),
            "value_id": _id("the value it became"),
            "similarity": _rate(
                "cosine to the value's representative; null where nothing was compared", low=-1, nullable=True
            ),
            "decided_by": _text(
                "what decided: `given` is the app's own assignment, otherwise a strategy and its version"
            ),
            "motivation": _text("why, in words, where the decider gives any", nullable=True),
        },
    ),
    Table(
        "value_events",
        "values",
        "something that became of a value since the day before, by the cards that it is made of",
        ("value_id", "event", "other_value_id"),
        {
            "value_id": _id("the value"),
            "event": _one_of(
                "`created`: it was not there; `grew`: cards that were not there became it; `merged`: it took "
                "over cards of another value, which is gone; `split`: it is still there, and cards of it are "
                "another value now; `shrank`: cards of it are gone; `retired`: it is gone with cards of it",
                *("created", "grew", "merged", "split", "shrank", "retired"),
            ),
            "other_value_id": _id(
                "the value that is gone (`merged`), or that has the cards now (`split`)", True
            ),
            "cards": _count("how many cards; of a created value those that were not there before"),
        },
    ),
    Table(
        "merge_decisions",
        "values",
        "two cards that were compared, each the first with its text, or a card and the first with its text",
        ("card_kind", "card_id", "other_card_kind", "other_card_id"),
        {
            "card_kind": KIND,
            "card_id": _id(
                "the one card: of two with the same text the first with it, else the first by kind and id"
            ),
            "other_card_kind": KIND,
            "other_card_id": _id("the other card"),
            "similarity": _rate("cosine of the two cards' vectors; 1 where their texts are the same", low=-1),
            "judge": _text("what judged, and its version; `exact-1`: the texts are the same"),
            "verdict": _one_of(
                "`same`, `different` or `unsure`; only `same` lets two cards become one value",
                "same",
                "different",
                "unsure",
            ),
            "motivation": _text("why, in words, where the judge gives any", nullable=True),
            "prompt_version": _text("version of the language model's prompt; null offline", nullable=True),
        },
    ),
    Table(
        "judgments",
        "values",
        "the one judgment that counts of a participant for an ordered pair of values",
        ("participant_id", "source_value_id", "wiser_value_id"),
        {
            "participant_id": PARTICIPANT,
            "source_value_id": SOURCE,
            "wiser_value_id": WISER,
            "relationship": ANSWER,
            "context_id": CONTEXT,
            "case_ids": _texts("the cases that the context belongs to, sorted"),
            "created_at": _time("when the participant first answered"),
            "updated_at": _time("when the participant last changed the answer"),
            "story": _text("the first-person story that was shown with the proposal", nullable=True),
            "comment": _text("what the participant added", nullable=True),
        },
    ),
    Table(
        "votes",
        "values",
        "the one vote, or the one showing, that counts of a participant for a value in a case",
        ("participant_id", "value_id", "case_id", "is_vote"),
        {
            "participant_id": PARTICIPANT,
            "value_id": _id("the value"),
            "case_id": _text("the case"),
            "is_vote": _yes("true: marked as wise; false: shown in a draw"),
            "created_at": _time("when it was cast or shown"),
        },
    ),
    Table(
        "articulations",
        "values",
        "a value that a participant articulated for a case",
        ("participant_id", "value_id", "case_id"),
        {
            "participant_id": PARTICIPANT,
            "value_id": _id("the value that the participant's card became"),
            "case_id": _text("the case of the chat"),
        },
    ),
    Table(
        "articulated_cards",
        "values",
        "a chat, and the card that its transcript showed last, or that a language model wrote, if any",
        ("chat_id",),
        {
            "chat_id": _text("the chat"),
            "participant_id": PARTICIPANT,
            "case_id": _text("the case of the chat"),
            "status": _one_of(
                "`card_shown`: the card shown last can be read; `pending`: none can, though the assistant "
                "called for one or the chat was submitted; `written`: a language model wrote the card that "
                "was pending; `refused`: it found none to write, since the participant holds to a rule or "
                "slogan; `unfinished`: it never came to a card; `unreadable`: no message can be read",
                "card_shown",
                "pending",
                "written",
                "refused",
                "unfinished",
                "unreadable",
            ),
            "card_id": _id(
                "the card that the app stored for the chat; null where none takes part", nullable=True
            ),
            "title": _text(f"the name of the card shown last, or written; {NO_CARD}", nullable=True),
            "instructions_short": _text(
                f"what the chatbot should do, in a sentence, as shown or written; {NO_CARD}", nullable=True
            ),
            "instructions_detailed": _text(
                f"what the chatbot should do, in full, as shown or written; {NO_CARD}", nullable=True
            ),
            "criteria": _texts(
                f"the evaluation criteria, as shown or written, in the card's own order; {NO_CARD}",
                nullable=True,
            ),
            "shown_count": _count("how many cards it showed, those that cannot be read among them"),
            "is_submitted": _yes("whether the card was submitted, which ends the chat"),
            "drift": _texts(
                "which of the four texts above differ from the stored card's, spaces at their ends aside: "
                "the app later replaced texts by canonical ones; null where there is nothing to compare",
                nullable=True,
            ),
            "quality": _rate(f"share of the guidelines for cards that it keeps; {NO_CARD}", nullable=True),
            "failed_guidelines": _texts(
                "the guidelines that it does not keep, sorted, of `criteria_2_to_10`, "
                "`criteria_begin_capitalised` (each of them), `impersonal` (no word in instructions or "
                "criteria that points at one person, such as `she` or `my`), `refers_to_the_user` (in those "
                f"words, in instructions or criteria) and `title_2_to_5_words`; {NO_CARD}",
                nullable=True,
            ),
            "leading_share": _rate(
                "of the distinct content words of the criteria (in lower case, without stop words) that a "
                "message before the card has (any message, where the card was written), the share for which "
                "the first such message is the assistant's, its opening and its earlier cards included; null "
                "where there is no card, or none was said",
                nullable=True,
            ),
            "turns": _count("messages that the user wrote"),
            "transcript_problem": _one_of(
                "the first thing in the transcript that cannot be read; the rest is read all the same. "
                "`no_transcript`, `not_json`, `too_deep` (nested), `no_list`; `bad_message`: no object, "
                "without a role, or with content that is no text; `card_not_json`; `card_incomplete`: one of "
                "its texts is missing or no text",
                "no_transcript",
                "not_json",
                "too_deep",
                "no_list",
                "bad_message",
                "card_not_json",
                "card_incomplete",
                nullable=True,
            ),
            "written_card_id": _id(
                "the written card: the first 52 bits of the SHA-256 of the chat's id; null for any other "
                "status",
                nullable=True,
            ),
            "criterion_turns": _turns(
                "for each criterion of a written card the messages that it was taken from, by their place "
                "among those that can be read, from 0; null for any other status"
            ),
            "written_by": _text(
                "the language model that wrote the card or refused to, and its prompt's version; null for "
                "any other status",
                nullable=True,
            ),
            "refusal_reason": _text(
                "why there is no card, in the model's words; null for any status but `refused`", nullable=True
            ),
        },
        (
            _only_where("written", "written_card_id"),
            _only_where("refused", "refusal_reason"),
            RowRule(
                "turns_of_each_criterion",
                "criterion_turns",
                pl.when(pl.col("status") == "written")
                .then(pl.col("criterion_turns").list.len().eq_missing(pl.col("criteria").list.len()))
                .otherwise(pl.col("criterion_turns").is_null()),
            ),
        ),
    ),
    Table(
        "set_aside",
        "values",
        "a row of a raw table that takes no part: it breaks its contract, names something that is not there, "
        "or comes from somebody who is left out",
        SET_ASIDE_KEY,
        SET_ASIDE,
    ),
    Table(
        "quarantine",
        "values",
        "a row that was set aside: when it was loaded, before the values stage, or because another counts",
        SET_ASIDE_KEY,
        SET_ASIDE,
    ),
    Table(
        "row_counts",
        "values",
        "what became of the rows of a source table: used, or set aside under a rule",
        ("table", "outcome"),
        {
            "table": _text("the source table"),
            "outcome": _text(
                "`used`, or the rule that set them aside; a table's counts sum to the rows read"
            ),
            "rows": _count("how many; rows that loading set aside are among those read"),
        },
    ),
    Table(
        "pair_tallies",
        "graph",
        "an ordered pair of values with a judgment either way, in a scope",
        PAIR_KEY,
        {
            **PAIR,
            **COUNTS,
            "is_edge": _yes("whether the policy makes it an edge of the scope's moral graph"),
            "rejection_reason": REASON,
        },
    ),
    Table(
        "wisdom_edges",
        "graph",
        "an edge of the moral graph in a scope",
        PAIR_KEY,
        {
            "edge_id": _text("`scope|source|wiser`"),
            **PAIR,
            **COUNTS,
            "policy": _text("the consensus policy that made it"),
        },
    ),
    Table(
        "rejected_pairs",
        "graph",
        "a candidate (a pair with an `upgrade`) that is not an edge, in a scope",
        PAIR_KEY,
        {**PAIR, **COUNTS, "rejection_reason": _text("the first rule of the policy that rejects the pair")},
    ),
    Table(
        "contested",
        "graph",
        "a pair contested in direction, or a component that was unwound, in a scope",
        ("scope", "component_id", "kind", "value_ids"),
        {
            "scope": SCOPE,
            "component_id": _id("the smallest value in it"),
            "kind": _text("`contested_direction`, `within_context` or `across_contexts`"),
            "is_dispute": _yes("whether it is called a dispute: not for `across_contexts`"),
            "value_ids": _ids("its values, sorted"),
            "edges": _edges("its directed pairs, sorted"),
            "unwound_edges": _edges("those of them that were removed, sorted"),
            "participant_count": _count("participants who judged one of its directed pairs"),
            "answers_by_group": _answers(
                "the answers to its directed pairs by self-reported political affiliation, in the scope "
                "`all`; groups are left out, and answers null, where they, or what they can be derived from, "
                "rest on fewer than 5 people",
            ),
        },
    ),
    Table(
        "edge_evidence",
        "graph",
        "an edge of the moral graph in a scope, with the evidence behind it",
        PAIR_KEY,
        {
            "edge_id": _text("`scope|source|wiser`"),
            **PAIR,
            "direct_answers": _count("judgments source → wiser, whatever they say; each by another judge"),
            "asked_reverse": EVIDENCE["asked_reverse"],
            "off_case_judges": _count_or_none(
                "those of the judges source → wiser whose judgment is outside their own cases, the cases of "
                "their chats, votes and showings; null where that is known of none of them: no own case is "
                "known, or the context belongs to no case"
            ),
            "first_day": _day("the UTC day of the first judgment source → wiser, by created_at"),
            "last_day": _day("the UTC day of the last one"),
            "wiser_share": _rate("marked_wiser / direct_answers"),
            "wiser_share_low": _rate("lower bound of the 95 % Wilson interval of wiser_share"),
            "wiser_share_high": _rate("upper bound of the same"),
            "p_base": EVIDENCE["p_base"],
            "q_base": EVIDENCE["q_base"],
            "p_direction": EVIDENCE["p_direction"],
            "bootstrap_survival": EVIDENCE["bootstrap_survival"],
            "lost_to_count": _rate(
                "share of the resamples in which `too_few_wiser` rejects it, or nobody is left who said "
                "`upgrade`"
            ),
            "lost_to_direction": _rate(
                "share of the resamples in which the first rule that rejects it is `contested_direction`, "
                "`no_majority` or `weak_agreement`"
            ),
            "lost_to_entropy": _rate("share of the resamples in which only `no_consensus` rejects it"),
            "votes_to_flip": EVIDENCE["votes_to_flip"],
        },
    ),
    Table(
        "shuffled_edges",
        "graph",
        "a shuffle of the answers within each participant, and the graph that the shuffled answers give",
        ("shuffle",),
        {
            "shuffle": _count("its number, from 0; each is drawn from the seed by its number"),
            "edges": _count("edges in the scope `all` under the same policy, loops unwound where it says so"),
        },
    ),
    Table(
        "exclusion_effects",
        "graph",
        "an edge that the graph gained or lost because a rule of the participant policy left judgments out",
        ("rule", *PAIR_KEY),
        {
            "rule": _text("the rule; the comparison is with the graph in which its judgments count"),
            **PAIR,
            "effect": _one_of("`gained` or `lost`", "gained", "lost"),
        },
    ),
    Table(
        "graph_values",
        "graph",
        "a value that is an end of an edge, in a scope",
        ("scope", "value_id"),
        {
            "scope": SCOPE,
            "value_id": _id("the value"),
            **VALUE_TEXTS,
            "contexts": _texts("the distinct contexts of its incoming edges, sorted"),
            "wisdom": _rate("sum of wiser_likelihood over its incoming edges", high=None),
            "pagerank": _rate("weighted by wiser_likelihood, damping 0.85; sums to 1 in a scope"),
            "votes": _count("participants who voted for it in the scope"),
            "shown": _count("participants to whom it was shown in the scope"),
            "vote_rate": _rate(
                "votes / shown; null where it was never shown, above 1 where showings are missing",
                high=None,
                nullable=True,
            ),
            **WRITTEN,
            "vote_rate_low": _rate(
                "lower bound of the 95 % Wilson interval of vote_rate; null where that is no share",
                nullable=True,
            ),
        },
    ),
    Table(
        "edge_judgments",
        "graph",
        "a judgment behind a pair that is an edge or a candidate, in a scope",
        ("edge_id", "direction", "participant_id"),
        {
            "edge_id": _text("`scope|source|wiser`"),
            "participant_id": PARTICIPANT,
            "relationship": ANSWER,
            "direction": _one_of(
                "`forward`: asked source → wiser; `reverse`: asked wiser → source", "forward", "reverse"
            ),
            "context_id": CONTEXT,
            "story": _text("the first-person story that was shown with the proposal", nullable=True),
            "comment": _text("what the participant added", nullable=True),
            "created_at": _time("when the participant first answered"),
        },
    ),
    Table(
        "prompt_contexts",
        "dataset",
        "a prompt and a case or context that it has, or was compared with; or why it has no training rows",
        ("prompt_id", "kind", "context_id", "case_id"),
        {
            "prompt_id": _text(
                "the prompt: a case's id, a further prompt's, or a conversation's with `#` and turn_index"
            ),
            "source_prompt_id": SOURCE_PROMPT,
            "turn_index": TURN_INDEX,
            "prompt": _text("what the user asked; null where it looks personal", nullable=True),
            "kind": _one_of(
                "a `case` or a `context`, or why the prompt has no training rows: `out_of_graph` (nothing "
                "applies), `leak` (another prompt, too much like it, is on another side) or `personal_text` "
                "(it looks as if it told who somebody is, and is compared with nothing)",
                *("case", "context", "out_of_graph", "leak", "personal_text"),
            ),
            "case_id": _text(
                "the case; of a context that applies, the case that Γ is asked of: of its own the applying "
                "one with the highest score, else the most similar; null where it belongs to none",
                nullable=True,
            ),
            "context_id": _text("the context; null for a case or the prompt", nullable=True),
            "similarity": _rate(
                "cosine of the prompt and the case's question, the context, or of a `leak` the other prompt; "
                "null where nothing was compared",
                low=-1,
                nullable=True,
            ),
            "decided_by": _one_of(
                "`data`: a case's own; `embedding`: the threshold; `model`: a language model; null where "
                "nothing was to decide",
                *("data", "embedding", "model"),
                nullable=True,
            ),
            "applies": _yes("the decision; null where there is none, or the model has not answered", True),
            "context_score": _rate(
                "where it applies: 1 in the data, the similarity by embedding, the model's confidence",
                nullable=True,
            ),
            "reason": _text("why, in words", nullable=True),
            "confidence": _rate("the model's confidence in its answer, yes or no", nullable=True),
            "judge": _text("the model and its prompt, or the rule, each with its version", nullable=True),
            "prompt_version": _text("version of the language model's prompt; null offline", nullable=True),
        },
    ),
    Table(
        "similarity_agreement",
        "dataset",
        "how well one way to find the contexts of prompts agrees with what is known of them",
        ("labels", "decided_by"),
        {
            "labels": _one_of(
                "`links`: the data's own, each case's question as if it were a further prompt, every context "
                "that is not its own a no; `people`: labels of further prompts, by majority, ties left out",
                *("links", "people"),
            ),
            "decided_by": _one_of(
                "`candidate`: every candidate taken, which bounds what the model can find; `embedding`: the "
                "threshold; `model`: the language model, where it was asked",
                *("candidate", "embedding", "model"),
            ),
            "prompts": _count("prompts that are labelled"),
            "pairs": _count("pairs of a prompt and a context that are labelled yes or no"),
            "pairs_yes": _count("of them those labelled yes"),
            "pairs_found": _count("of them those that are found to apply"),
            "pairs_both": _count("of them both"),
            "precision": _rate("pairs_both / pairs_found; null where that is 0", nullable=True),
            "recall": _rate("pairs_both / pairs_yes; null where that is 0", nullable=True),
        },
    ),
    Table(
        "reward_rows",
        "dataset",
        "a prompt, a context that applies to it (or none) and a value that Γ chose there",
        ("prompt_id", "context_id", "value_id"),
        {
            "row_id": _hex("32 hex digits; the same as long as the row means the same", 32),
            "prompt_id": _text("the prompt: a case's id, or a further prompt's of `prompt_contexts`"),
            "prompt": _text("what the user asked"),
            "turn_index": TURN_INDEX,
            "case_id": _text(
                "the case in which Γ was asked: the prompt itself, or one that a further prompt has; of "
                "several in which it chose the value in no context, the one with the largest score · share"
            ),
            "context_id": _text("the context; null for the case alone", nullable=True),
            "context_score": _rate(
                "how well the context, or the case where there is none, fits the prompt; 1 for a case's own"
            ),
            "value_id": _id("the value that Γ chose"),
            "value_title": _text("its name"),
            "value_instructions": _text("what the chatbot should do, in full"),
            "criteria": VALUE_TEXTS["criteria"],
            "support": _count("participants who support the value, directly or carried along edges"),
            "share": _rate("support / participants exposed to the value"),
            "reach": _rate("support / participants active there"),
            "h": _id("how many edges support was carried at most; null for `all`", nullable=True),
            "policy": _text("the consensus policy of the graph"),
            "edge_ids": _texts("the edges that end in the value there, sorted"),
            "split": _one_of(
                "`train`, `validation` or `test`, by a hash of the case, of a further prompt's own id, or of "
                "its conversation's",
                *("train", "validation", "test"),
            ),
            "row_hash": _hex("SHA-256 of the row's whole content, hex", 64),
            "fold": _id("leave-one-case-out fold, where there are fewer than ten cases", nullable=True),
            "value_split": VALUE_SPLIT,
            "is_contested": IS_CONTESTED,
            **SURENESS,
        },
    ),
    Table(
        "rubric_rows",
        "dataset",
        "a criterion of a value that is wise for a prompt",
        ("prompt_id", "value_id", "criterion_index"),
        {
            "prompt_id": _text("the prompt"),
            "prompt": _text("what the user asked"),
            "turn_index": TURN_INDEX,
            "value_id": _id("the value"),
            "criterion_index": _count("place of the criterion in the value's card, from 0"),
            "criterion": _text("the criterion"),
            "weight": _rate("its weight; a prompt's weights sum to 1"),
            "row_ids": _texts("the reward rows that the weight comes from, sorted"),
            "value_split": VALUE_SPLIT,
            "is_contested": IS_CONTESTED,
            "row_survival": _rate("the highest `row_survival` of the rows in row_ids"),
            "edge_survival": _rate(
                "the highest `edge_survival` of them; null where none has one", nullable=True
            ),
            "edge_q_base": _rate("the lowest `edge_q_base` of them; null where none has one", nullable=True),
        },
    ),
    Table(
        "value_pairs",
        "dataset",
        "a prompt, a context that applies to it (or none) and an edge there: one value preferred to another",
        ("prompt_id", "context_id", "less_wise_value_id", "wiser_value_id"),
        {
            **PROMPT,
            "less_wise_value_id": SOURCE,
            **_texts_of("less_wise"),
            "wiser_value_id": _id("the value that participants agree is wiser"),
            **_texts_of("wiser"),
            "edge_id": _text("the edge, in the scope of the context, or of the case where there is none"),
            **{name: column for name, column in COUNTS.items() if name != "contexts"},
            "policy": _text("the consensus policy that made the edge"),
            "is_contested": _yes(
                "whether one of the two stands in a dispute (`contested`) in the scope of the prompt's case, "
                "or of one of its contexts"
            ),
            **SIDE,
            "value_split": _one_of(
                "the side of the two values, of two sides the one further from training: `train` where both "
                "are, `test` where either is; as in `reward_rows`",
                *("train", "validation", "test"),
            ),
            **EVIDENCE,
        },
    ),
    Table(
        "balanced_pairs",
        "dataset",
        "a prompt, a context that applies to it (or none) and two values there, neither of which most "
        "participants find an upgrade of the other: to be weighed, not replaced",
        ("prompt_id", "context_id", "one_value_id", "other_value_id"),
        {
            **PROMPT,
            "one_value_id": _id("the value with the smaller id"),
            **_texts_of("one"),
            "other_value_id": _id("the other value"),
            **_texts_of("other"),
            "asked": _count("judgments one → other; `min_balanced` of the policy (5) or more"),
            "declined": _count("those of them that say `no_upgrade`: more than half"),
            "asked_back": _count("judgments other → one; as many or more"),
            "declined_back": _count("those of them that say `no_upgrade`: more than half"),
            "policy": _text("the consensus policy of the graph"),
            "is_contested": _yes("whether one of the two stands in a dispute, as in `value_pairs`"),
            **SIDE,
        },
    ),
    Table(
        "coverage_by_h",
        "dataset",
        "a group of a case's participants at an h from 0 to the gradient's length, or at `all`",
        ("case_id", "h", "group"),
        {
            "case_id": _text("the case"),
            "h": _id(
                "how many edges support is carried at most; the last number is the most edges that follow "
                "each other in the case's graph, null is `all`. Only 0 where the graph has a loop",
                nullable=True,
            ),
            "group": _text(
                "self-reported political affiliation, `unknown` where there is none, `all` for everybody; "
                "groups of few participants are left out, and as many more as it takes that they do not "
                "follow from the total"
            ),
            "value_ids": _ids("the values that Γ chooses at h, for everybody, in its order"),
            "wisdom": _rate(
                "mean `wisdom` of the chosen values in the case's graph, 0 for a value without an edge; null "
                "where none is chosen",
                high=None,
                nullable=True,
            ),
            "participants": _count_or_none(
                f"the group's participants who are active in the case; {WITHHELD}"
            ),
            "supporters": _count_or_none(
                f"those who support a chosen value themselves, by their own card, vote or answer; {WITHHELD}"
            ),
            "coverage": _rate(
                f"supporters / participants: what h costs in legitimacy is how far it falls; {WITHHELD}, or "
                "where nobody is active",
                nullable=True,
            ),
            "carried_supporters": _count_or_none(
                f"those who support a chosen value themselves or by what h edges carry; {WITHHELD}"
            ),
            "carried_coverage": _rate(
                f"carried_supporters / participants; {WITHHELD}, or where nobody is active", nullable=True
            ),
            "is_recommended": _yes(
                "whether it is the case's largest h, `all` apart, at which the coverage of everybody, and of "
                "every group where it is not withheld, is a half or more; a case may have none"
            ),
        },
    ),
    Table(
        "aggregations",
        "dataset",
        "a value that an aggregation puts among the best of a case",
        ("case_id", "aggregation", "rank"),
        {
            "case_id": _text("the case"),
            "aggregation": _one_of(
                "what made the row, `top_k` values each: `gamma` (as in `reward_rows`, by support), `votes`, "
                "`vote_rate` (by vote_rate_low), `wisdom`, `pagerank`, `sinks` (values with an incoming and "
                "no outgoing edge, by wisdom); and `minority_wisdom`, all values that are, by vote_rate_low. "
                "Of equal scores the smaller value_id comes first; `minority_wisdom` alone lists scores of 0",
                *AGGREGATIONS,
            ),
            "rank": _count("place of the value, from 1"),
            "value_id": _id("the value"),
            "value_title": _text("its name"),
            "score": _rate(
                "what the aggregation orders by; null for a value that was never shown",
                high=None,
                nullable=True,
            ),
            "support": _count("participants who support the value in the case, at the snapshot's h"),
            "votes": _count("participants who voted for it in the case"),
            "shown": _count("participants to whom it was shown in the case"),
            "vote_rate": _rate(
                "votes / shown; null where it was never shown, above 1 where showings are missing",
                high=None,
                nullable=True,
            ),
            "vote_rate_low": _rate(
                "lower bound of the 95 % Wilson interval of vote_rate; null where that is no share",
                nullable=True,
            ),
            "wisdom": _rate("its `wisdom` in the case's graph; 0 without an edge", high=None),
            "pagerank": _rate("its `pagerank` in the case's graph; 0 without an edge"),
            "is_minority_wisdom": _yes(
                "whether few saw it and those found it wise (shown in the lowest quarter and vote_rate in "
                "the highest, of the values shown in the case), or it is chosen at an h above 0 and was low "
                "at h = 0 (not chosen, or its support in the lowest quarter of the values supported there)"
            ),
        },
    ),
    Table(
        "completions",
        "training",
        "an answer to a prompt, loaded or written by a language model",
        ("completion_id",),
        {
            "completion_id": _text(
                "the completion: as it was loaded, or 32 hex digits of the hash of what was asked and why"
            ),
            "prompt_id": _text("the prompt"),
            "prompt": _text("what the user asked; null where it looks personal", nullable=True),
            "kind": _one_of(
                "`loaded`; `naive`: asked with the prompt alone; `guided`: with the value of a row; "
                "`less_wise`: with the less wise value of an edge; `shuffled`: with a value of no row of the "
                "prompt, drawn by the seed; `revision`: the naive one, revised after a critique by the "
                "criteria of the prompt's best value",
                *("loaded", "naive", "guided", "less_wise", "shuffled", "revision"),
            ),
            "text": _text(
                "the answer, without marks; null where it looks personal, or its prompt does", nullable=True
            ),
            "marked_text": _text(
                'the same with `<value context="..." criterion="...">…</value>` around what a criterion did '
                "to it; null where there are no marks that hold",
                nullable=True,
            ),
            "marks_rule": _one_of(
                "why marks do not hold: `not_well_formed`, `nested`, `unknown_context`, `unknown_criterion`, "
                "`text_changed` (without them it is another text) or `unreadable` (what looks like parts of "
                "marks is left); null where they hold, or there are none",
                *("not_well_formed", "nested", "unknown_context", "unknown_criterion", "text_changed"),
                "unreadable",
                nullable=True,
            ),
            "row_id": _hex_or_none(
                "the reward row whose value guided it; of `less_wise` that of the wiser value, of `shuffled` "
                "the prompt's best, in whose place the value was drawn",
                32,
            ),
            "value_id": _id("the value that guided it; null where none did", nullable=True),
            "edge_id": _text("of `less_wise`: the edge from its value to the row's", nullable=True),
            "revises_id": _text("of a `revision`: the naive completion", nullable=True),
            "critique": _text(
                "of a `revision`: what was found wanting; null where it looks personal", nullable=True
            ),
            "model": _text("who wrote it; null where that is not known", nullable=True),
            "parameters": _text("what the model was asked with, as JSON; null if loaded", nullable=True),
            "prompt_version": _text("the prompt that it was asked with, and its version", nullable=True),
            "source": _text("where a loaded one comes from", nullable=True),
            "is_synthetic": _yes("whether a model wrote it; null where that is not known", nullable=True),
            "moderated_by": _text("who looked at it last: the rule `words-1`, or a model and its prompt"),
            "set_aside_for": _text(
                "why it takes no part: `no_rows: …` (its prompt has no training rows, and why: `leak`, "
                "`personal_text`, `out_of_graph` or `no_value`), `flagged: …` (what moderation found), "
                "`leak` (the same text, but for case and white space, is on an earlier side of train, "
                "validation, test); null where it takes part",
                nullable=True,
            ),
            "split": _one_of(
                "as in `reward_rows`; null where the prompt has no rows",
                *("train", "validation", "test"),
                nullable=True,
            ),
            "fold": _id("as in `reward_rows`", nullable=True),
        },
        (
            RowRule(
                "takes_part_with_text_and_side",
                "set_aside_for",
                pl.col("set_aside_for").is_not_null()
                | (pl.col("text").is_not_null() & pl.col("split").is_not_null()),
            ),
        ),
    ),
    Table(
        "completion_requests",
        "training",
        "a question about completions that no model has answered yet",
        ("request_id",),
        REQUEST,
    ),
    Table(
        "criterion_scores",
        "training",
        "what one rater says of a completion by a criterion of a value of its prompt",
        ("completion_id", "value_id", "criterion_index", "rater_role", "rater"),
        {
            "completion_id": _text("the completion"),
            "prompt_id": _text("its prompt"),
            "value_id": _id("the value, one that is wise for the prompt"),
            "criterion_index": _count("place of the criterion in the value's card, from 0"),
            "criterion": _text("the criterion"),
            "rater": RATER,
            "rater_role": _one_of(
                "`author` of a card that became the value, another `participant`, `expert` or `model`",
                *RATER_ROLES,
                "model",
            ),
            "is_met": _yes("whether the completion meets the criterion"),
            "score": STEP,
            "explanation": _text(
                "why, in the rater's words; null where they gave none, or a person's look personal",
                nullable=True,
            ),
            "prompt_version": _text("name and version of the language model's prompt; null of people", True),
            "call_id": _hex_or_none(
                "of a model the question's hash, `question_hash` in `dft.llm_calls`; null of people", 64
            ),
            "self_judged": _yes(
                "whether the model that judges wrote the completion, whatever the date in its name"
            ),
        },
        rules=(
            RowRule(
                "call_of_a_model",
                "call_id",
                (pl.col("rater_role") == "model") == pl.col("call_id").is_not_null(),
            ),
        ),
    ),
    Table(
        "ratings_left_out",
        "training",
        "a rating or a ranking that counts for nothing, and why",
        ("kind", "completion_id", "value_id", "criterion", "rater"),
        {
            "kind": _one_of("`rating` or `ranking`", "rating", "ranking"),
            "completion_id": _text("the completion, as the rating names it"),
            "value_id": _id("the value, as the rating names it"),
            "criterion": _text("the criterion, as the rating has it; null for a ranking", nullable=True),
            "rater": PARTICIPANT,
            "rater_role": _one_of("as whom they rated", *RATER_ROLES),
            "rule": _one_of(
                "the first that it breaks: `unknown_completion`; `set_aside_completion`; `unknown_value` "
                "(not one that is wise for the prompt); `unknown_criterion` (not one of the value's); "
                "`not_the_author` (no card of theirs became the value)",
                *LEFT_OUT_RULES,
            ),
        },
    ),
    Table(
        "completion_rankings",
        "training",
        "the place that a rater gave a completion among others for the prompt, by a value",
        ("value_id", "prompt_id", "rater", "completion_id"),
        {
            "value_id": _id("the value, one that is wise for the prompt"),
            "prompt_id": _text("the prompt"),
            "rater": PARTICIPANT,
            "rater_role": _one_of("as whom they ranked", *RATER_ROLES),
            "completion_id": _text("the completion"),
            "rank": dy.Int64(description="1 is the best; equal numbers are ties", min=1),
        },
    ),
    Table(
        "judge_agreement",
        "training",
        "how far a model as judge agrees with people, on a criterion or on all",
        ("value_id", "criterion_index", "judge"),
        {
            "value_id": _id("the value; null for all criteria together", nullable=True),
            "criterion_index": _count_or_none("place of the criterion in the value's card; null for all"),
            "judge": _text("the model's name"),
            "items": _count(
                "completions × criteria that the model and people scored. Where several people did, what "
                "most of them say is theirs"
            ),
            "ties": _count("those left out beside them: as many people say yes as no"),
            "agreed": _count("items of which both say the same"),
            "percent": _rate("agreed / items; null where there are none", nullable=True),
            "kappa": _rate(
                "Cohen's kappa; null where both say one and the same of all items, which leaves nothing to "
                "chance",
                low=-1,
                nullable=True,
            ),
            "kappa_low": _rate(
                "lower bound of its 95 % interval, kappa ± 1.96 standard errors, by the large-sample "
                "variance of Fleiss, Cohen and Everitt (1969)",
                low=-1,
                nullable=True,
            ),
            "kappa_high": _rate("upper bound of the same", low=-1, nullable=True),
            "scored_items": _count("items of which both give a score of 1 to 5; people's is their median"),
            "scored_ties": _count("those left out beside them: people's median lies between two scores"),
            "weighted_kappa": _rate(
                "Cohen's kappa of the scores with quadratic weights", low=-1, nullable=True
            ),
            "alpha": _rate(
                "Krippendorff's alpha of the same scores, ordinal; null where all are the same",
                low=-1,
                nullable=True,
            ),
            "is_trusted": _yes(
                "of all criteria together: whether items and kappa reach the settings `min_items` (100) and "
                "`min_kappa` (0.6); null for a single criterion",
                nullable=True,
            ),
        },
    ),
    Table(
        "completion_scores",
        "training",
        "a completion as an execution of a value that is wise for its prompt",
        ("completion_id", "value_id"),
        {
            "completion_id": _text("the completion"),
            "prompt_id": _text("its prompt"),
            "value_id": _id("the value"),
            "weight": _rate("weight(p, v): the sum of the value's weights in `rubric_rows`"),
            "share": _rate("as in `reward_rows`, of the row with the largest context_score · share"),
            "context_score": _rate("of the same row"),
            "criteria": _count("the value's criteria"),
            "criteria_scored": _count("those of them that are scored"),
            "criteria_met": _rate(
                "those that are met; one that several people rated counts with the share of yes", high=None
            ),
            "executed": _rate(
                "executed(o, v): criteria_met / criteria; null unless every criterion is scored",
                nullable=True,
            ),
            "scored_by": _one_of(
                "`people` where any person rated it by the value, who then count alone; else `model`; null "
                "where nobody did",
                *("people", "model"),
                nullable=True,
            ),
            "reward": _rate(
                "reward(p, o): the sum of weight · executed over the prompt's values, the same on each row "
                "of the completion; null unless all are executed",
                nullable=True,
            ),
            "row_ids": _texts("the reward rows that the weight comes from, sorted"),
            "split": SIDE["split"],
            "fold": SIDE["fold"],
        },
    ),
    Table(
        "judge_requests",
        "training",
        "a question to the judge of a completion that no model has answered yet",
        ("request_id",),
        REQUEST,
    ),
    Table(
        "preference_pairs",
        "training",
        "two completions of a prompt, one preferred to the other for a reason",
        ("pair_id",),
        {
            "pair_id": _hex("32 hex digits of a hash of chosen_id, rejected_id, reason and value_id", 32),
            "prompt_id": _text("the prompt, as in `reward_rows`"),
            "prompt": _text("what the user asked"),
            "chosen_id": _text("the completion that is preferred"),
            "rejected_id": _text("the other one"),
            "chosen": _text("its text"),
            "rejected": _text("the other one's text"),
            "reason": PAIR_REASON,
            "value_id": _id(
                "the value that it is about: that is executed better or ranked by, or that guided the "
                "preferred one; null for a revision by no value in particular",
                nullable=True,
            ),
            "edge_id": _text("of `wiser_value`, the edge; otherwise null", nullable=True),
            "gap": _rate(
                "by how much: the difference in executed (`execution`), of the shares of raters who put the "
                "one above the other and the other above the one (`ranked`), or in reward; null where a "
                "reward is not known, or not to be compared",
                nullable=True,
            ),
            "chosen_reward": _rate("reward of the preferred one; null as in gap", nullable=True),
            "rejected_reward": _rate("reward of the other one; null as in gap", nullable=True),
            "scored_by": _one_of(
                "on whose scores gap rests: `people` or `model`; null without gap",
                "people",
                "model",
                nullable=True,
            ),
            "chosen_length": _count("characters of the preferred text"),
            "rejected_length": _count("characters of the other text"),
            "row_ids": _texts("the prompt's reward rows of the value (of all where there is none), sorted"),
            "split": _one_of("the prompt's side, as in `reward_rows`", "train", "validation", "test"),
            "fold": _id("leave-one-case-out fold, where there are fewer than ten cases", nullable=True),
            "value_split": _one_of(
                "the side, furthest from training, of value_id and of the values that guided the two texts: "
                "`train` where all are; as in `reward_rows`",
                *("train", "validation", "test"),
            ),
            "is_contested": _yes(
                "whether one of these values, or an end of the edge, stands in a dispute of the prompt's case"
            ),
        },
    ),
    Table(
        "pairs_left_out",
        "training",
        "a pair of completions that could have been preferred one to the other, and why it is not",
        ("pair_id",),
        {
            "pair_id": _hex("as in `preference_pairs`", 32),
            "prompt_id": _text("the prompt"),
            "chosen_id": _text("the completion that would be preferred"),
            "rejected_id": _text("the other one"),
            "reason": PAIR_REASON,
            "value_id": _id("the value, as in `preference_pairs`", nullable=True),
            "rule": _one_of(
                "the first that holds: `set_aside` (one of the two is), `same_text` (but for case and white "
                "space), `unscored` (a revision without rewards), `unlike_scorers` (people's scores against "
                "a model's), `untrusted_judge` (it needs scores of a model that agrees too little with "
                "people), `small_gap` (of a revision), `reward_disagrees` (both rewards are known, and the "
                "preferred one's is lower, or, but for `execution` and `ranked`, the same), `contradicted` "
                "(another pair of the prompt prefers the other text, and no reward decides), "
                "`most_per_prompt`, `unlike_length` (left out so that the longer text is not mostly the "
                "preferred one)",
                *PAIR_RULES,
            ),
        },
    ),
    Table(
        "pair_balance",
        "training",
        "a reason for pairs, or all together, with how far being preferred goes with being longer",
        ("reason",),
        {
            "reason": _one_of("the reason, or `all`", "all", *PAIR_REASONS),
            "pairs": _count("pairs in `preference_pairs`"),
            "left_out": _count("pairs in `pairs_left_out`"),
            "unlike_length": _count("of them those left out for their length, last of all"),
            "not_compared": _count(
                "completions that were compared with no other by a value: of more than 40 of a prompt by the "
                "value, those that were not drawn"
            ),
            "length_correlation_before": _rate(
                "Σ d / √(n · Σ d²) over the pairs before that, where d is log(chosen_length) − "
                "log(rejected_length): the correlation of being chosen with the log of the length, both "
                "centred within each pair; null where no lengths differ",
                low=-1,
                nullable=True,
            ),
            "length_correlation": _rate("the same of the pairs", low=-1, nullable=True),
        },
    ),
    Table(
        "evaluation_items",
        "training",
        "a question to put to a model that was trained on the rest",
        ("item_id",),
        {
            "item_id": _hex("32 hex digits; the same as long as the question is about the same", 32),
            "kind": _one_of(
                "`value_choice`: a prompt, and a context or none, and which of these values are wise there; "
                "`edge`: an edge there, and which of its two values is wiser, and why, but where the two, "
                "either way round, also stand in `value_pairs` on a side nearer to training; `execution`: a "
                "prompt to be answered, which its rubric scores",
                *("value_choice", "edge", "execution"),
            ),
            "prompt_id": _text("the prompt"),
            "prompt": _text("what the user asked"),
            "context_id": _text(
                "the context that the question names; null where it names none", nullable=True
            ),
            "question": _text("the text to put to the model"),
            "options": _ids(
                "the values to choose from, named A, B, … in this order, which the setting `seed` draws; "
                "of `value_choice` those that Γ chose there and as many others, if there are so many, first "
                "less wise ones of the case's edges, then other cases', then any; of `execution` none"
            ),
            "option_titles": _texts("their names, in the same order"),
            "answer_value_ids": _ids("those of the options that are right; none of `execution`"),
            "edge_id": _text("of `edge`, the edge", nullable=True),
            "row_ids": _texts("the reward rows behind it: of `edge` those that have it among their edges"),
            "split": _one_of(
                "the prompt's side; of `edge` the furthest from training of it and the sides of both values "
                "(`value_split`). `train` only where there is a fold",
                *("train", "validation", "test"),
            ),
            "fold": _id(
                "leave-one-case-out fold of the prompt, where there are fewer than ten cases; of `edge` null "
                "where its two values also stand in another fold of `value_pairs`",
                nullable=True,
            ),
        },
        (
            RowRule(
                "answers_are_options",
                "answer_value_ids",
                pl.col("answer_value_ids").list.set_difference("options").list.len() == 0,
            ),
        ),
    ),
    Table(
        "value_support",
        "lineage",
        "a reason for which a participant supports a value by themselves: their own card, vote or answer",
        ("participant_id", "value_id", "how", "case_id", "context_id"),
        {
            "participant_id": PARTICIPANT,
            "value_id": _id("the value"),
            "how": _one_of(
                "`articulated`: a card of theirs became the value; `voted`: they voted for it; "
                "`judged_wiser`: they answered `upgrade` for a pair that ends in it. Only what the settings "
                "of the snapshot count as support",
                *SUPPORT,
            ),
            "case_id": _text("the case of the card or the vote; null for an answer", nullable=True),
            "context_id": _text("the context of the answer; null for a card or a vote", nullable=True),
            "erased_in": _texts(
                "the scopes in which the vote does not count, sorted: under a policy with `erase_votes`, "
                "those of a removed component's judge for its values"
            ),
        },
        (
            RowRule("of_a_case_or_a_context", "case_id", pl.col("case_id").is_not_null() == OF_CASE),
            RowRule("of_a_context_or_a_case", "context_id", pl.col("context_id").is_null() == OF_CASE),
        ),
    ),
    Table(
        "card_lineage",
        "lineage",
        "a card, the chat that it came from and the value that it became",
        ("card_kind", "card_id"),
        {
            "card_kind": KIND,
            "card_id": _id("the card, as in `card_values`"),
            "value_id": _id("the value it became"),
            "chat_id": _text("the chat that it came from; null for a canonical card", nullable=True),
            "participant_id": _hex_or_none(
                "the pseudonym of the chat's participant; null for a canonical card, and where the source "
                "does not have the chat",
                32,
            ),
            "case_id": _text("the case of the chat; null where there is none", nullable=True),
            "similarity": _rate(
                "cosine to the value's representative; null where nothing was compared", low=-1, nullable=True
            ),
            "decided_by": _text("what decided, as in `card_values`, where the motivation stands"),
            "decisions": _decisions(
                "the keys of the rows of `merge_decisions` that led from the card to the value's "
                "representative, in order: none, the comparison with it, or first the card with the same text"
            ),
            "criterion_turns": _turns(
                "for each criterion of a written card the messages of the chat that it was taken from, as in "
                "`articulated_cards`; null for any other kind"
            ),
        },
    ),
    Table(
        "row_lineage",
        "lineage",
        "a training row, the question whose answer it is, and the edges that made its value wise there",
        ("row_id",),
        {
            "row_id": _hex("the row, as in `reward_rows`", 32),
            "scope": SCOPE,
            "case_id": _text("the case that Γ was asked about"),
            "context_id": _text("the one context that it was asked about; null for all of the case", True),
            "context_ids": _texts("the contexts whose judgments count there, sorted"),
            "value_id": _id("the value that Γ chose"),
            "source_value_ids": _ids(
                "the other ends of the edges that end in the value there, sorted: `scope|source|value_id`"
            ),
            "direct_support": _count(
                "participants who support the value there by themselves: of the rows of `value_support` with "
                "the value, those with the case or with one of `context_ids`, and without the scope in "
                "`erased_in`. What is carried along edges comes on top; `dft audit row` shows the way"
            ),
        },
    ),
    Table(
        "participant_behaviour",
        "reports",
        # Without their group: from the rows of single people, every withheld figure by group would follow.
        "a participant who is in the user table, or did anything up to the day",
        ("participant_id",),
        {
            "participant_id": PARTICIPANT,
            "is_registered": _yes("whether they are in the app's user table"),
            "chats": _count("chats they had"),
            "cards": _count("values they articulated, one per value and case (rows of `articulations`)"),
            "turns": _count("messages they wrote in their chats; none where a transcript is no list"),
            "minutes": _rate(
                "from the creation of a chat to its last change, pauses included; the sum", high=None
            ),
            "shown": _count("values they were shown, one per value and case"),
            "votes": _count("values they voted for, one per value and case"),
            "judgments": _count("their judgments that count"),
            "upgrade": _count("those that say `upgrade`"),
            "no_upgrade": _count("those that say `no_upgrade`"),
            "not_sure": _count("those that say `not_sure`"),
            "is_straight_lining": _yes(
                "whether all their judgments say the same; null with fewer than three", nullable=True
            ),
            "case_judgments": _count("judgments in a context that belongs to a case"),
            "off_case_judgments": _count_or_none(
                "those of `case_judgments` whose context belongs to none of the participant's own cases, the "
                "cases of their chats, votes and showings; null where no own case is known"
            ),
        },
    ),
    Table(
        "funnel",
        "reports",
        "a step of taking part, in a group",
        ("step_index", "group"),
        {
            "step": _text(
                "`signed_up` (everybody in `participant_behaviour`: who did anything must have signed up), "
                "`chatted`, `wrote_a_card`, `was_shown_values`, `voted`, `judged`: each asked by itself, so "
                "that a later step can have more people than an earlier one"
            ),
            "step_index": _count("place of the step, from 0"),
            "group": GROUP,
            "participants": _count_or_none(f"participants of the group who took the step; {WITHHELD}"),
            "share": _rate(f"participants / those of the group who signed up; {WITHHELD}", nullable=True),
            "median_turns": _rate(
                "median of `turns` of those who took the step and have a chat; null where there are none, "
                "and for every group: a median is one person's own number",
                high=None,
                nullable=True,
            ),
            "median_minutes": _rate("median of `minutes` of the same people", high=None, nullable=True),
        },
    ),
    Table(
        "behaviour_by_group",
        "reports",
        "something that judgments or participants can be, in a group",
        ("measure", "group"),
        {
            "measure": _text(
                "`upgrade`, `no_upgrade`, `not_sure`: judgments that say so, of all; `off_case`: judgments "
                "outside the participant's own cases, of those in a context that belongs to a case, by "
                "participants with a known case; `straight_lining`: participants who always gave the same "
                "answer, of those with three or more judgments"
            ),
            "group": GROUP,
            "unit": _text("what is counted: `judgments` or `participants`"),
            "counted": _count_or_none(f"judgments or participants that are so; {WITHHELD}"),
            "out_of": _count_or_none(f"judgments or participants that could be so; {WITHHELD}"),
            "share": _rate(
                "counted / out_of. That of `upgrade` in the group `all` is the base rate that every edge is "
                f"to be read against: how readily people say `upgrade` to any proposal; {WITHHELD}",
                nullable=True,
            ),
            "participants": _count_or_none(f"participants behind `counted`; {WITHHELD}"),
        },
    ),
    Table(
        "group_answers",
        "reports",
        "an ordered pair of values as a group of people judged it, where that may be seen",
        ("field", *ORDERED_PAIR, "group"),
        {
            "field": FIELD,
            "source_value_id": SOURCE,
            "wiser_value_id": WISER,
            "group": BY_FIELD,
            "judges": _count("participants of the group who judged source → wiser, in any context"),
            **{
                answer: _count_or_none(f"those of them who said `{answer}`; {WITHHELD}")
                for answer in RELATIONSHIPS
            },
        },
    ),
    Table(
        "group_votes",
        "reports",
        "a value as a group of people received it, where that may be seen",
        ("field", "value_id", "group"),
        {
            "field": FIELD,
            "value_id": _id("the value"),
            "group": BY_FIELD,
            "met": _count("participants of the group who were shown it, or voted for it, in any case"),
            "votes": _count_or_none(f"those of them who voted for it in some case; {WITHHELD}"),
        },
    ),
    Table(
        "group_consensus",
        "reports",
        "an edge or a value that two groups or more can be compared on, by a field of people's background",
        ("field", *ORDERED_PAIR),
        {
            "field": FIELD,
            "kind": _one_of("`edge` (of the scope `all`) or `value`", "edge", "value"),
            "source_value_id": _id("the value that one moves from; null for a value", nullable=True),
            "wiser_value_id": _id("the wiser value of the edge, or the value itself"),
            "groups": _count("groups whose agreement is seen, each of 5 people or more"),
            "consensus": _rate(
                "geometric mean of the groups' agreement: (upgrade + 1) / (judges + 2) of an edge, "
                "(votes + 1) / (met + 2) of a value, as in `group_answers` and `group_votes`"
            ),
            "lowest_agreement": _rate("the lowest of them"),
        },
    ),
    Table(
        "group_directions",
        "reports",
        "two values that two groups' own graphs put in opposite order, where both groups' answers are seen",
        ("field", *ORDERED_PAIR, "group", "other_group"),
        {
            "field": FIELD,
            "source_value_id": _id("the one value, with the smaller id"),
            "wiser_value_id": _id("the other value"),
            "group": _text(
                "a group whose judgments alone, under the snapshot's policy, make source → wiser an edge"
            ),
            "other_group": _text("a group whose judgments alone make wiser → source an edge"),
        },
    ),
    Table(
        "survey_by_group",
        "reports",
        "a question of the closing survey, answered by everybody or by a group of people",
        ("question", "field", "group"),
        {
            "question": _text("the question, word for word"),
            "field": _one_of(
                "what people are grouped by; `all` for everybody",
                *("all", "usPoliticalAffiliation", "sex", "age_band"),
            ),
            "group": BY_FIELD,
            "answered": _count("participants who answered it"),
            "mean": _rate(f"mean of their answers, from 1 to 5; {WITHHELD}", low=1, high=5, nullable=True),
            "high_share": _rate(f"share of them who answered 4 or 5; {WITHHELD}", nullable=True),
        },
    ),
    Table(
        "exposure",
        "reports",
        "a value in a case in which it was shown or voted for, or a value that was neither anywhere",
        ("value_id", "case_id"),
        {
            "value_id": _id("the value"),
            "case_id": _text(
                "the case; null for a value that was neither shown nor voted for", nullable=True
            ),
            "shown": _count("participants to whom it was shown there"),
            "votes": _count("participants who voted for it there"),
            "judged": _count(
                "judgments with it at either end, in contexts of the case; in all contexts where the case is "
                "null. Contexts shared by cases count in each"
            ),
            "is_never_shown": _yes("whether it was shown to nobody in any case"),
        },
    ),
    Table(
        "demographic_coverage",
        "reports",
        "an answer to a question about participants' background",
        ("field", "answer"),
        {
            "field": _text("`usPoliticalAffiliation`, `sex` or `age_band`"),
            "answer": _text("the answer; null where it is not known, never asked or expired", nullable=True),
            "participants": _count("participants of whom it is the latest answer"),
            "share": _rate(
                "participants / everybody in `participant_behaviour`; the shares of a field add up to less "
                "than 1 where answers of few are left out"
            ),
        },
    ),
    Table(
        "dedup_agreement",
        "reports",
        "two groupings of participants' cards, over the cards that both have",
        ("population", "grouping", "reference"),
        {
            "population": _one_of(
                "`all_cards`: every card that both groupings have; `distinct_texts`: of those the first with "
                "each text, which leaves out what the same text alone finds",
                "all_cards",
                "distinct_texts",
            ),
            "grouping": GROUPING,
            "reference": _text(
                "the grouping that it is measured by, which comes later among these: `exact`, `offline`, "
                "`snapshot`, `generation:N` by N, `given`. Read the other way round, precision and recall "
                "change places, and f1 and adjusted_rand stay"
            ),
            "cards": _count("cards that both groupings have"),
            "pairs_in_grouping": _count("pairs of those cards that are together in the grouping"),
            "pairs_in_reference": _count("pairs of them that are together in the reference"),
            "pairs_in_both": _count("pairs of them that are together in both"),
            "precision": _rate("pairs_in_both / pairs_in_grouping; null where that is 0", nullable=True),
            "recall": _rate("pairs_in_both / pairs_in_reference; null where that is 0", nullable=True),
            "f1": _rate(
                "2 · pairs_in_both / (pairs_in_grouping + pairs_in_reference); null where that is 0",
                nullable=True,
            ),
            "adjusted_rand": _rate(
                "adjusted Rand index: 0 is what chance gives, 1 the same groups, below 0 less than chance; "
                "null where both put all cards together, or all apart",
                low=-1,
                nullable=True,
            ),
        },
    ),
    Table(
        "dedup_verdicts",
        "reports",
        "a grouping of participants' cards, beside what participants said of pairs of cards",
        ("grouping",),
        {
            "grouping": GROUPING,
            "pairs": _count(
                "pairs of cards that participants gave a verdict on, in any order, the six counts below "
                "together. A pair's verdict is the answer that most of them gave, each by their latest one; "
                "it is unsure where two answers share the most"
            ),
            "same_together": _count("pairs said to be the same, and together in the grouping"),
            "same_apart": _count("pairs said to be the same, and apart in the grouping"),
            "different_together": _count("pairs said to be different, and together in the grouping"),
            "different_apart": _count("pairs said to be different, and apart in the grouping"),
            "unsure": _count("pairs of which people were unsure"),
            "not_grouped": _count("pairs with a card that the grouping does not have, whatever was said"),
            "precision": _rate(
                "same_together / (same_together + different_together); null where that is 0", nullable=True
            ),
            "recall": _rate(
                "same_together / (same_together + same_apart); null where that is 0", nullable=True
            ),
            "f1": _rate(
                "2 · same_together / (2 · same_together + same_apart + different_together); null where that "
                "is 0",
                nullable=True,
            ),
        },
    ),
)

TABLES: Mapping[str, Table] = {table.name: table for table in _TABLES}
