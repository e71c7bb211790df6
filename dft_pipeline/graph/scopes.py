"""Which judgments count where: everywhere, in one case, or in one context."""

from collections.abc import Iterable

import polars as pl

ALL = "all"


def case_scope(case_id: str) -> str:
    return f"case:{case_id}"


def context_scope(context_id: str) -> str:
    return f"context:{context_id}"


def scopes_of_contexts(context_ids: Iterable[str], links: pl.DataFrame) -> pl.DataFrame:
    """A context and a scope in which its judgments count: context_id, scope; sorted.

    `links` has context_id and case_id, one row per context that belongs to a case. A context that
    belongs to no case counts in `all` and in its own scope.
    """
    contexts = _distinct("context_id", context_ids)
    cases = links.join(contexts, on="context_id", how="semi")
    return _scopes(
        contexts.select("context_id", scope=pl.lit(ALL)),
        contexts.select("context_id", scope=pl.format(context_scope("{}"), "context_id")),
        cases.select("context_id", scope=pl.format(case_scope("{}"), "case_id")),
    )


def scopes_of_cases(case_ids: Iterable[str], links: pl.DataFrame) -> pl.DataFrame:
    """A case and a scope in which its votes count: case_id, scope; sorted. `links` as above.

    The votes of a context are those of its cases.
    """
    cases = _distinct("case_id", case_ids)
    contexts = links.join(cases, on="case_id", how="semi")
    return _scopes(
        cases.select("case_id", scope=pl.lit(ALL)),
        cases.select("case_id", scope=pl.format(case_scope("{}"), "case_id")),
        contexts.select("case_id", scope=pl.format(context_scope("{}"), "context_id")),
    )


def scopes_of_prompts(case_ids: Iterable[str], links: pl.DataFrame) -> pl.DataFrame:
    """The scopes in which a prompt, which is a case, is asked about: prompt_id, context_id, scope; sorted.

    Its own, with a null context, and one for each of its contexts. `links` as above.
    """
    cases = _distinct("prompt_id", case_ids)
    contexts = links.select("context_id", prompt_id="case_id").join(cases, on="prompt_id", how="semi")
    return _scopes(
        cases.select(
            "prompt_id",
            context_id=pl.lit(None, pl.String),
            scope=pl.format(case_scope("{}"), "prompt_id"),
        ),
        contexts.select("prompt_id", "context_id", scope=pl.format(context_scope("{}"), "context_id")),
    )


def _distinct(name: str, ids: Iterable[str]) -> pl.DataFrame:
    return pl.DataFrame({name: sorted(set(ids))}, schema={name: pl.String})


def _scopes(*parts: pl.DataFrame) -> pl.DataFrame:
    scopes = pl.concat(parts).unique()
    return scopes.sort(scopes.columns)
