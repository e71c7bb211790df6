"""The named, versioned settings of a snapshot: every default stands here once.

What belongs here: parameters as data, with unit and source. What they do stands where they are used.
Source of the bounds: the authors' published graph (`published-2023`) and their report (`default`).
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

import polars as pl
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from dft_pipeline.values.pseudonyms import pseudonym

MOST_DIGITS = 9  # of an h; no graph is that deep

Pseudonym = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
Mark = Literal["marked_wiser", "marked_not_wiser", "marked_less_wise", "marked_unsure", "judgments_both_ways"]
Unwinding = Literal["strongest_first", "component"]
FOUR_MARKS: tuple[Mark, ...] = ("marked_wiser", "marked_not_wiser", "marked_less_wise", "marked_unsure")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_Kind = TypeVar("_Kind", bound=_Settings)


class ConsensusPolicy(_Settings):
    """When an ordered pair of values is an edge of the moral graph. A bound of None is not applied."""

    name: str
    version: int = 1
    min_marked_wiser: int = Field(2, ge=0, description="fewest participants who say `upgrade`")
    max_opposed: float | None = Field(
        0.5, ge=0, description="largest marked_less_wise, as a share of marked_wiser"
    )
    min_majority: float | None = Field(
        0.5, ge=0, le=1, description="marked_wiser must exceed this share of all source → wiser answers"
    )
    min_likelihood: float = Field(0.33, gt=0, le=1, description="smallest wiser_likelihood")
    max_entropy: float = Field(1.38, ge=0, description="largest entropy of `entropy_counts`, in bits")
    entropy_counts: tuple[Mark, ...] = FOUR_MARKS
    unwind: Unwinding | None = Field(
        "strongest_first",
        description="what goes of a loop: the edges that close it, strongest kept, or its whole component",
    )
    erase_votes: bool = Field(
        False, description="leave votes of a removed component's judges for its values out of aggregation"
    )
    min_balanced: int = Field(
        5, ge=1, description="fewest answers each way of a pair that most find no upgrade either way"
    )

    @model_validator(mode="after")
    def _erases_with_components(self) -> Self:
        if self.erase_votes and self.unwind != "component":
            raise ValueError("erase_votes needs unwind `component`: otherwise no component is removed")
        return self


PUBLISHED_2023 = ConsensusPolicy(
    name="published-2023",
    max_opposed=None,
    min_majority=None,
    max_entropy=1.69,
    # The authors summed over every count of a pair, the number of impressions among them.
    entropy_counts=(*FOUR_MARKS, "judgments_both_ways"),
    unwind=None,
)
DEFAULT = ConsensusPolicy(name="default")
# Under names of their own: their rows mean something else, and row_id says so by the policy's name.
DEFAULT_COMPONENT = ConsensusPolicy(name="default-component", unwind="component")
DEFAULT_ERASED = ConsensusPolicy(name="default-erased", unwind="component", erase_votes=True)
POLICIES: Mapping[str, ConsensusPolicy] = {
    policy.name: policy for policy in (DEFAULT, DEFAULT_COMPONENT, DEFAULT_ERASED, PUBLISHED_2023)
}


class Aggregation(_Settings):
    """How Γ finds the values that are wise for a case. `h` of None carries support along all edges."""

    h: int | None = Field(1, ge=0, description="edges along which support is carried at most")
    articulated: bool = Field(True, description="a card for the case that became the value is support")
    voted: bool = Field(True, description="a vote for the value in the case is support")
    judged_wiser: bool = Field(True, description="an `upgrade` that ends in the value is support")
    min_share: float = Field(1 / 3, ge=0, le=1, description="smallest support / exposed of a candidate")
    min_participants: int = Field(5, ge=1, description="smallest support of a candidate")
    top_k: int = Field(5, ge=1, description="most values for a case, or for a case and a context")


class Evidence(_Settings):
    """How the evidence behind an edge, and behind what Γ chose, is found."""

    version: int = 1
    seed: int = Field(0, ge=0, description="of the resamples and the shuffles")
    resamples: int = Field(300, ge=1, description="of the participants, for `bootstrap_survival`")
    shuffles: int = Field(20, ge=0, description="of the answers, for the number of edges that chance gives")
    prior_strength: float = Field(2.0, gt=0, description="answers that the prior of `p_direction` is worth")
    min_reverse: int = Field(5, ge=0, description="fewest answers wiser → source for a `p_direction`")
    most_added: int = Field(1000, ge=0, description="most added answers that `votes_to_flip` looks at")


class Bounds(_Settings):
    """How much evidence a row needs to be kept; None asks for none."""

    min_survival: float | None = Field(None, ge=0, le=1, description="smallest survival kept")
    max_q: float | None = Field(None, ge=0, le=1, description="largest q kept")


class Filters(Bounds):
    """Which training rows an export keeps; None keeps all."""

    min_share: float | None = Field(None, ge=0, le=1, description="smallest share of a reward row kept")


CardField = Literal["title", "instructions_short", "instructions_detailed", "criteria"]


class Deduplication(_Settings):
    """When two cards are the same value, offline. Weights and threshold belong to the embedding model.

    The similarity of two cards is (1 − word_weight) · cosine of their embeddings + word_weight · cosine of
    their words. It depends on the two cards alone, so that a card that arrives changes no other pair's.
    """

    name: str
    version: int = 1
    embed_model: str
    embedded: tuple[CardField, ...] = Field(("criteria",), min_length=1, description="what is embedded")
    worded: tuple[CardField, ...] = Field(
        ("title", "instructions_short", "instructions_detailed", "criteria"),
        min_length=1,
        description="whose words are compared",
    )
    word_weight: float = Field(0.5, ge=0, le=1, description="share of the words in the similarity")
    threshold: float = Field(ge=-1, le=1, description="smallest similarity of two cards that agree")
    canonical_threshold: float = Field(
        ge=-1,
        le=1,
        description="the same of two canonical cards: the app holds them apart, and merging them moves votes",
    )
    candidate_threshold: float = Field(
        ge=-1, le=1, description="smallest similarity of two cards that a judge is asked about"
    )
    source: str = Field(description="where weights and threshold come from")

    @property
    def decider(self) -> str:
        """Its name and version, as rows say which rule decided them."""
        return f"{self.name}-{self.version}"

    @model_validator(mode="after")
    def _asks_about_all_that_agree(self) -> Self:
        if self.candidate_threshold > min(self.threshold, self.canonical_threshold):
            raise ValueError("candidate_threshold is above a threshold: pairs that agree are not asked about")
        return self


OFFLINE_WORDLLAMA = Deduplication(
    name="offline-wordllama",
    embed_model="wordllama",
    embedded=("title", "criteria"),
    threshold=0.42,
    canonical_threshold=0.6,
    candidate_threshold=0.4,
    source="the 2023 run: best pairwise F1 of its distinct texts against the app's own assignment; no two of "
    "its canonical cards, which the app holds apart, are as similar as 0.6",
)
# By embedding model: a threshold means nothing for another one.
OFFLINE: Mapping[str, Deduplication] = {chosen.embed_model: chosen for chosen in (OFFLINE_WORDLLAMA,)}


class MoralSimilarity(_Settings):
    """When a case or a context applies to a further prompt, by the cosine of their texts' embeddings.

    Thresholds belong to the embedding model, which is this one whatever cards are compared by.
    """

    name: str
    version: int = 1
    embed_model: str
    most_candidates: int = Field(ge=1, description="most cases, and most contexts, that a prompt may have")
    candidate_threshold: float = Field(
        gt=0, le=1, description="smallest similarity of a candidate; a text of unknown words has 0 to all"
    )
    case_threshold: float = Field(gt=0, le=1, description="smallest similarity of a case that applies")
    context_threshold: float = Field(gt=0, le=1, description="the same of a context")
    leak_threshold: float = Field(
        gt=0, le=1, description="smallest similarity of two prompts that may not stand on two sides"
    )
    source: str = Field(description="where the thresholds come from")

    @property
    def decider(self) -> str:
        """Its name and version, as rows say which rule decided them."""
        return f"{self.name}-{self.version}"

    @model_validator(mode="after")
    def _looks_at_all_that_apply(self) -> Self:
        if self.candidate_threshold > min(self.case_threshold, self.context_threshold):
            raise ValueError("candidate_threshold is above a threshold: what applies is not looked at")
        return self


SIMILAR_WORDLLAMA = MoralSimilarity(
    name="similar-wordllama",
    embed_model=OFFLINE_WORDLLAMA.embed_model,
    most_candidates=10,
    candidate_threshold=0.005,
    case_threshold=0.3,
    context_threshold=0.25,
    leak_threshold=0.9,
    source="the 2023 cases and contexts beside thirteen made-up prompts: no unrelated one is as similar to a "
    "case as 0.3; no context that is not linked to a case is as similar to its question as 0.25",
)


class Training(_Settings):
    """How completions become scores and preference pairs. `writes` and `judges` say what a model does."""

    version: int = 1
    seed: int = Field(0, ge=0, description="of what is drawn, and of the order in which criteria are asked")
    writes: bool = Field(False, description="a language model writes completions for the training rows")
    judges: bool = Field(False, description="there is a language model to score completions now")
    trusts_judge: bool = Field(False, description="its scores make pairs however well it agrees with people")
    min_items: int = Field(100, ge=1, description="fewest items that people rated too, or it is not trusted")
    min_kappa: float = Field(0.6, ge=-1, le=1, description="smallest Cohen's kappa of it and people")
    min_gap: float = Field(0.2, gt=0, le=1, description="smallest gap of a pair, in executed or in reward")
    most_pairs: int = Field(20, ge=1, description="most preference pairs of a prompt")
    max_length_correlation: float = Field(
        0.3, ge=0, le=1, description="largest correlation, either way, of being chosen with being longer"
    )


class ParticipantPolicy(_Settings):
    """Whose input counts. Whoever revoked consent is left out of everything, whatever is set here."""

    name: str = "everybody"
    version: int = 1
    exclude_unknown: bool = Field(False, description="leave out who is not in the user table")
    exclude_admins: bool = Field(False, description="leave out who runs the app")
    exclude_simulated: bool = Field(False, description="leave out who has the role or sign-up SIMULATED")
    excluded: tuple[Pseudonym, ...] = Field((), description="test users; in a file, ids or pseudonyms")
    test_comment: str | None = Field(None, description="leave out who commented so on a judgment; a regex")
    signup_types: tuple[str, ...] | None = Field(None, description="only who signed up so; None: however")
    batches: tuple[int, ...] | None = Field(None, description="only who is in these batches; None: any")
    joined_from: date | None = Field(None, description="only who signed up on this day, UTC, or later")
    joined_to: date | None = Field(None, description="only who signed up on this day, UTC, or earlier")
    min_judgments: int = Field(0, ge=0, description="only who made so many judgments or more")
    exclude_copied_chats: bool = Field(True, description="copies, and the cards articulated in them")
    exclude_invalid_cards: bool = Field(True, description="cards that the app calls invalid")
    exclude_off_case: bool = Field(False, description="judgments outside the participant's own cases")

    @field_validator("test_comment")
    @classmethod
    def _is_pattern(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                pl.Series([""]).str.contains(pattern)
            except pl.exceptions.ComputeError:
                raise ValueError(f"{pattern!r} is no regular expression that Polars understands") from None
        return pattern


# How cards become values: by the app's own assignment, by what the cards say, or by a model as judge.
Strategy = Literal["given", "offline", "model"]


class SnapshotSettings(_Settings):
    """Everything that, with the inputs, decides the bytes of a snapshot."""

    policy: ConsensusPolicy = DEFAULT
    aggregation: Aggregation = Aggregation()
    evidence: Evidence = Evidence()
    dedup: Strategy = "offline"
    given_first: bool = Field(True, description="the app's assignment goes first, where it has any")
    deduplication: Deduplication = OFFLINE_WORDLLAMA
    participants: ParticipantPolicy = ParticipantPolicy()
    writes_cards: bool = Field(False, description="a language model writes cards that finished chats lack")
    similarity: MoralSimilarity = SIMILAR_WORDLLAMA
    judges_prompts: bool = Field(False, description="a language model says what applies to further prompts")
    publishes_texts: bool = Field(True, description="comments and stories stand in the snapshot")
    training: Training = Training()


def snapshot_settings(
    policy: str | None = None,
    h: str | None = None,
    dedup: str | None = None,
    participants: ParticipantPolicy | None = None,
    embed_model: str = OFFLINE_WORDLLAMA.embed_model,
    has_model: bool = False,
    deduplication: Deduplication | None = None,
    publishes_texts: bool = True,
    writes_completions: bool = False,
    trusts_judge: bool = False,
) -> SnapshotSettings:
    """Settings from the words a person uses; h is a whole number or `all`. None stands for the default.

    `has_model`: there is a language model to ask, so that it writes the cards that finished chats lack, says
    what applies to further prompts, judges what the app has not assigned, and scores completions.
    `writes_completions`: completions are to be written, and scored; without a model these stay requests.
    `deduplication`: what a settings file says of the embedding model; None where there is no file.

    Without an h, support is carried along one edge, or along none where the policy allows loops.
    Raises ValueError for a name or number that is not known.
    """
    chosen = POLICIES.get(policy or DEFAULT.name)
    if chosen is None:
        raise ValueError(f"no policy is called {policy!r}; there are {', '.join(sorted(POLICIES))}")
    if dedup not in (None, *get_args(Strategy)):
        known = ", ".join(get_args(Strategy))
        raise ValueError(f"no deduplication is called {dedup!r}; there are {known}")
    if dedup == "model" and not has_model:
        raise ValueError("the deduplication `model` needs OPENAI_API_KEY; `offline` works without")
    compared_by = deduplication or OFFLINE.get(embed_model)
    if compared_by is None and dedup != "given":
        raise ValueError(_no_threshold(embed_model))
    hops = _hops(h) if h is not None else (1 if chosen.unwind else 0)
    return SnapshotSettings(
        policy=chosen,
        aggregation=Aggregation(h=hops),
        dedup=dedup or ("model" if has_model else "offline"),
        given_first=dedup is None,
        deduplication=compared_by or OFFLINE_WORDLLAMA,
        participants=participants or ParticipantPolicy(),
        writes_cards=has_model,
        judges_prompts=has_model,
        publishes_texts=publishes_texts,
        training=Training(writes=writes_completions, judges=has_model, trusts_judge=trusts_judge),
    )


def _no_threshold(embed_model: str) -> str:
    known = ", ".join(sorted(OFFLINE))
    return (
        f"no threshold is known for the embedding model {embed_model}; there are: {known}. To find one: "
        "`dft calibrate` on any snapshot, such as one built with --dedup given, and set DFT_DEDUPLICATION to "
        "the file that it writes"
    )


def participant_policy(settings: Mapping[str, Any], key: bytes) -> ParticipantPolicy:
    """The policy that a settings file describes; ids of `excluded` become pseudonyms under the key.

    Raises ValueError that names each setting that is not understood.
    """
    excluded = settings.get("excluded", [])
    if isinstance(excluded, list):
        excluded = [pseudonym(one, key) if type(one) is int else one for one in excluded]
    policy = _understood(ParticipantPolicy, {**settings, "excluded": excluded})
    return policy.model_copy(update={"excluded": tuple(sorted(set(policy.excluded)))})


def deduplication(settings: Mapping[str, Any], embed_model: str) -> Deduplication:
    """What a settings file says of an embedding model, as `dft calibrate` writes it.

    Raises ValueError that names each setting that is not understood, or both models where it is another's.
    """
    found = _understood(Deduplication, settings)
    if found.embed_model != embed_model:
        raise ValueError(
            f"its thresholds belong to the embedding model {found.embed_model}, and DFT_EMBED_MODEL is "
            f"{embed_model}; calibrate that one, or name the other"
        )
    return found


def bounds(min_survival: float | None, max_q: float | None) -> Bounds:
    """Raises ValueError that names the bound that is no number from 0 to 1."""
    return _understood(Bounds, {"min_survival": min_survival, "max_q": max_q})


def filters(min_survival: float | None, max_q: float | None, min_share: float | None) -> Filters:
    """Raises ValueError that names the filter that is no number from 0 to 1."""
    asked = {"min_survival": min_survival, "max_q": max_q, "min_share": min_share}
    return _understood(Filters, asked)


def _understood(kind: type[_Kind], settings: Mapping[str, Any]) -> _Kind:
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        raise ValueError("; ".join(map(_trouble, error.errors()))) from None


def _trouble(error: Mapping[str, Any]) -> str:
    """What is wrong with a setting, after its name; what is wrong with several has none."""
    said = str(error["msg"]).removeprefix("Value error, ")
    where = ".".join(map(str, error["loc"]))
    return f"{where}: {said}" if where else said


def _hops(h: str) -> int | None:
    if h == "all":
        return None
    if not h.isascii() or not h.isdigit() or len(h) > MOST_DIGITS:
        raise ValueError(f"h is a whole number from 0 on, or `all`; not {h!r}")
    return int(h)
