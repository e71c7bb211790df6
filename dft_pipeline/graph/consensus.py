"""The rules that make a judged pair an edge, each with its name, in narwhals expressions.

A candidate (a pair that somebody marked wiser) keeps the first rule that rejects it. A null rate
counts as rejected. Loops are another matter: see `unwinding`.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

import narwhals as nw

from dft_pipeline.graph.tally import COUNTS, Frame
from dft_pipeline.policies import FOUR_MARKS, ConsensusPolicy


def with_rates(tallies: Frame, policy: ConsensusPolicy) -> Frame:
    """Adds wiser_likelihood (−1 to 1) and entropy (bits); null, never NaN, where nothing was counted."""
    return tallies.with_columns(wiser_likelihood=_wiser_likelihood(), entropy=_entropy(policy.entropy_counts))


def with_verdict(rated: Frame, policy: ConsensusPolicy) -> Frame:
    """Adds rejection_reason: null for what no rule rejects and for what is no candidate."""
    verdict = nw.lit(None).cast(nw.String)
    for name, rejects in reversed(list(rules(policy))):
        verdict = nw.when(rejects).then(nw.lit(name)).otherwise(verdict)
    candidate = nw.col("marked_wiser") >= 1
    return rated.with_columns(rejection_reason=nw.when(candidate).then(verdict))


def rules(policy: ConsensusPolicy) -> Iterator[tuple[str, nw.Expr]]:
    """The policy's rules in the order in which they are asked: name, and whether it rejects a pair."""
    wiser = nw.col("marked_wiser")
    yield "too_few_wiser", wiser < policy.min_marked_wiser
    if policy.max_opposed is not None:
        yield "contested_direction", nw.col("marked_less_wise") > wiser * policy.max_opposed
    if policy.min_majority is not None:
        answers = wiser + nw.col("marked_not_wiser") + nw.col("marked_unsure")
        yield "no_majority", wiser <= answers * policy.min_majority
    yield "weak_agreement", _null_or(nw.col("wiser_likelihood") < policy.min_likelihood)
    yield "no_consensus", _null_or(nw.col("entropy") > policy.max_entropy)


# Of a pair's counts (`pair_tallies`), the bounds of the policy, and `answers`, those that rules look at.
SAYINGS = {
    "too_few_wiser": "{marked_wiser} marked it wiser, and it takes {min_marked_wiser}",
    "contested_direction": "{marked_less_wise} see it the other way round: more than {max_opposed} of the "
    "{marked_wiser} who marked it wiser",
    "no_majority": "{marked_wiser} of the {answers} who were asked marked it wiser, and it takes more than "
    "{min_majority} of them",
    "weak_agreement": "wiser_likelihood {wiser_likelihood:.3f} is below {min_likelihood}",
    "no_consensus": "entropy {entropy:.3f} is above {max_entropy} bits",
    "in_cycle": "it stands in a loop that was unwound ({unwind})",
}


def said(pair: Mapping[str, Any], policy: ConsensusPolicy) -> str:
    """Why a row of `pair_tallies` is an edge or none, in words and with the numbers that decided it."""
    if pair["is_edge"]:
        return "no rule rejects it"
    if pair["rejection_reason"] is None:
        return "nobody marked it wiser"
    answers = pair["marked_wiser"] + pair["marked_not_wiser"] + pair["marked_unsure"]
    return SAYINGS[pair["rejection_reason"]].format(**policy.model_dump(), **pair, answers=answers)


def _null_or(rejects: nw.Expr) -> nw.Expr:
    return rejects.fill_null(True)


def _wiser_likelihood() -> nw.Expr:
    total = _sum(FOUR_MARKS)
    net = nw.col("marked_wiser") - nw.col("marked_less_wise")
    return nw.when(total > 0).then(net / total)


def _entropy(counts: Sequence[str]) -> nw.Expr:
    total = _sum(counts)
    bits = reduce(add, (_bits(count, total) for count in counts))
    # Rounding must not carry it below 0.
    return nw.when(total > 0).then(nw.when(bits > 0).then(bits).otherwise(0.0))


def _bits(count: str, total: nw.Expr) -> nw.Expr:
    # 1 stands in for a count of 0, whose share of the entropy is 0 and whose logarithm there is none of.
    share = nw.when(nw.col(count) > 0).then(nw.col(count) / total).otherwise(1.0)
    return nw.lit(0.0) - share * share.log(2)


def _sum(counts: Sequence[str]) -> nw.Expr:
    assert set(counts) <= set(COUNTS)
    return reduce(add, (nw.col(count) for count in counts))
