"""Writes the pages on the real first run, by the pipeline in a home that is thrown away: `make first-run`."""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import psycopg
from psycopg.rows import dict_row

from dft_pipeline.dataset.choices import choices
from dft_pipeline.dataset.coverage_by_h import advice
from dft_pipeline.dataset.questions import Snapshot
from dft_pipeline.graph.disputes import erased_votes
from dft_pipeline.graph.scopes import ALL, case_scope
from dft_pipeline.markdown import harmless, table
from dft_pipeline.policies import DEFAULT, Aggregation
from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.values import reading
from dft_pipeline.values.setting_aside import without
from resources import sql
from resources.bridging import Counted, bridges
from resources.extraction import raw_schema
from resources.lake import Lake
from resources.postgres_server import embedded_server

DOCS = Path(__file__).parent
TABLES = DOCS.parents[1] / "shared" / "dft-2023"
DAY = date(2023, 10, 17)
BEFORE = datetime.combine(DAY + timedelta(days=1), datetime.min.time())
POLICIES = ("default", "published-2023")
HOPS = (0, 1, 2, None)
OF_PEOPLE = ("judgments", "votes", "articulations")
OF_VALUES = ("canonical_values", "wisdom_edges", "edge_evidence", "graph_values", "contested")
WIDTH = 108  # characters of a line of prose
FIRST = 5  # rows that are shown of a query
EDGES = 10  # least and most certain ones that are listed
SURE = 0.9  # of the resamples
BY_CERTAINTY = ("bootstrap_survival", "votes_to_flip", "source_value_id", "wiser_value_id")

Row = Mapping[str, Any]
Titles = Mapping[int, str]


def pages(url: str, default: Lake, published: Lake) -> dict[str, str]:
    """The pages by file name, of the loaded tables and of the day's snapshots under the two policies."""
    return {
        "first-run.md": first_run(default, published),
        "published-figures.md": published_figures(url, published),
    }


# What the pipeline makes of the first run

INTRODUCTION = """\
# The first run

Made by `make first-run` from the real run's tables, which lie beside the checkout; not edited by hand. All
figures are as of 2023-10-17, by the builds that the [README](../README.md#the-real-first-run) shows;
columns are explained in the [data dictionary](data-dictionary.md). What the authors published stands on [a
page of its own](published-figures.md).
"""
CHOSEN = """\
## Chosen values

What Γ chooses under `default` for each case, and for the case in each of its contexts, where support is
carried along at most *h* edges of the graph. A cell is the place among the chosen values and, in brackets,
the participants who support the value at that h. The 2023 tables hold no chats, so nobody supports a value
by having articulated it.
"""
COVERAGE = """\
## Coverage by h

Of a case's participants, the share who support a chosen value themselves, by their own vote or answer: of
everybody, and of each group by self-reported affiliation. `withheld` is what rests on fewer than five
people, or would let such a figure follow. **Bold** is the recommended h: the largest at which half of
everybody, and of every group that is not withheld, are covered. Wisdom is the mean over the chosen values.
"""
CERTAINTY = """\
## How sure each edge is

The edges of the whole run, ordered by `bootstrap_survival` (how often the edge survives when other people
of the same kind take part), then `votes_to_flip` (how few added answers take it away), then the values'
ids: the first ten are the least certain, the last ten the most certain. What each figure means stands in
the [operating guide](operating.md#how-sure-an-edge-is).
"""


def first_run(default: Lake, published: Lake) -> str:
    """What was chosen, whom it covers and how sure the edges are, as Markdown."""
    titles = _titles(default)
    both = dict(zip(POLICIES, (default, published), strict=True))
    lists = [
        f"### Under `{policy}`: the ten {which} certain\n\n{_edges(lake, titles, which)}\n"
        for policy, lake in both.items()
        for which in ("least", "most")
    ]
    parts = [INTRODUCTION, CHOSEN, *_chosen(default, titles), COVERAGE, _coverage(default)]
    return "\n".join([*parts, CERTAINTY, _certainty(both), _meaning(published), *lists])


def _titles(lake: Lake) -> Titles:
    return dict(lake.snapshot("canonical_values", DAY).select("value_id", "title").iter_rows())


def _named(value_id: int, titles: Titles) -> str:
    return f"{harmless(titles[value_id])} ({value_id})"


def _admitted(lake: Lake, name: str) -> pl.DataFrame:
    """A table without participants, as the snapshot read it."""
    rows = lake.raw(lake.raw_files(name, None), raw_schema(SOURCE_TABLES[name].extracted))
    return without(name, rows, lake.snapshot("set_aside", DAY))


def _snapshot(lake: Lake) -> Snapshot:
    links = reading.links(_admitted(lake, "contextsOnCases"))
    tables = {name: lake.snapshot(name, DAY) for name in (*OF_PEOPLE, *OF_VALUES)}
    erased = erased_votes(tables["contested"], tables["judgments"], links, DEFAULT)
    return Snapshot(cases=_admitted(lake, "case"), links=links, **tables, erased_votes=erased)


def _chosen(lake: Lake, titles: Titles) -> Iterable[str]:
    """A section per case: what is chosen there, and in each of its contexts."""
    snapshot = _snapshot(lake)
    found = choices(snapshot, Aggregation(), HOPS)
    for case in snapshot.cases.sort("id").to_dicts():
        rows = found.filter(case_id=case["id"])
        alone = _places(rows.filter(pl.col("context_id").is_null()), titles)
        within = [
            (harmless(context), *cells)
            for (context,), part in rows.drop_nulls("context_id").group_by("context_id", maintain_order=True)
            for cells in _places(part, titles)
        ]
        heads = ("value", *(f"h = {_h(h)}" for h in HOPS))
        yield f"### {harmless(case['title'])}\n\n{table(heads, alone)}\n"
        yield f"In its contexts:\n\n{table(('context', *heads), within)}\n"


def _places(rows: pl.DataFrame, titles: Titles) -> list[tuple[str, ...]]:
    """A row per value: its name, and its place and support at each h; those chosen at a low h first."""
    cells: dict[int, dict[int | None, str]] = {}
    for row in rows.to_dicts():
        cells.setdefault(row["value_id"], {})[row["h"]] = f"{row['place']} ({row['support']})"
    return [(_named(value, titles), *(at.get(h, "–") for h in HOPS)) for value, at in cells.items()]


def _h(h: int | None) -> str:
    return "all" if h is None else str(h)


def _coverage(lake: Lake) -> str:
    """Every h of every case, and the recommended one in words."""
    rows = lake.snapshot("coverage_by_h", DAY)
    groups = sorted(set(rows["group"]) - {ALL})
    found = rows.group_by("case_id", "h", maintain_order=True).agg(
        pl.col("value_ids", "wisdom", "is_recommended").first(), "group", "coverage"
    )
    lines = found.sort("case_id", "h", nulls_last=True).to_dicts()
    heads = ("case", "h", "values", "wisdom", "everybody", *groups)
    told = table(heads, [_coverage_row(row, groups) for row in lines])
    return f"{told}\n\nSo the recommended h is:\n\n{advice(rows)}\n"


def _coverage_row(row: Row, groups: Sequence[str]) -> list[str]:
    shares = dict(zip(row["group"], row["coverage"], strict=True))
    h = f"**{_h(row['h'])}**" if row["is_recommended"] else _h(row["h"])
    values = ", ".join(map(str, row["value_ids"]))
    covered = (shares.get(group) for group in (ALL, *groups))
    told = ("withheld" if share is None else f"{share:.0%}" for share in covered)
    return [row["case_id"], h, values, f"{row['wisdom']:.2f}", *told]


class Certainty(NamedTuple):
    """How sure the edges of a graph are, taken together."""

    edges: int
    survive: int
    never_reversed: int
    shuffled: float
    smallest_q: float


def _of_all(lake: Lake) -> Certainty:
    rows = lake.snapshot("edge_evidence", DAY).filter(scope=ALL)
    shuffled = lake.snapshot("shuffled_edges", DAY)["edges"]
    return Certainty(
        len(rows),
        int((rows["bootstrap_survival"] >= SURE).sum()),
        int((rows["asked_reverse"] == 0).sum()),
        float(shuffled.sum()) / len(shuffled),
        min(rows["q_base"]),
    )


def _certainty(lakes: Mapping[str, Lake]) -> str:
    heads = (
        "policy",
        "edges",
        "survive nine of ten resamples",
        "reverse never asked",
        "edges of shuffled answers, on average",
        "smallest `q_base`",
    )
    found = {policy: _of_all(lake) for policy, lake in lakes.items()}
    rows = [
        (
            f"`{policy}`",
            str(of.edges),
            str(of.survive),
            str(of.never_reversed),
            f"{of.shuffled:.1f}",
            f"{of.smallest_q:.2f}",
        )
        for policy, of in found.items()
    ]
    return table(heads, rows) + "\n"


def _meaning(lake: Lake) -> str:
    """The same in words, for the published graph."""
    of = _of_all(lake)
    judged = lake.snapshot("judgments", DAY)
    yes = (judged["relationship"] == "upgrade").sum() / len(judged)
    text = (
        f"People said `upgrade` to {yes:.0%} of what they were asked, and to shuffle each one's answers "
        "among their own questions makes about as many edges. So an edge alone says little. "
        f"{of.survive} of the {of.edges} published edges would be found again nine times of ten with other "
        f"people; the rest rests on few answers. For {of.never_reversed} of them nobody was asked the "
        "reverse: their direction is that of the question. A `p_base` near 1 says that the judges of the "
        "edge are people who agree to most things. None of this says that an edge is wrong; it says what "
        "these data can carry."
    )
    return f"{_wrapped(text)}\n"


def _edges(lake: Lake, titles: Titles, which: str) -> str:
    evidence = lake.snapshot("edge_evidence", DAY).filter(scope=ALL)
    marks = ("marked_wiser", "marked_not_wiser", "marked_unsure", "marked_less_wise")
    counts = lake.snapshot("wisdom_edges", DAY).filter(scope=ALL).select("edge_id", *marks)
    rows = evidence.join(counts, on="edge_id").sort(BY_CERTAINTY, nulls_last=True)
    listed = rows.head(EDGES) if which == "least" else rows.tail(EDGES)
    heads = (
        "from",
        "to",
        "wiser",
        "not wiser",
        "unsure",
        "reverse",
        "share, 95 %",
        "`p_base`",
        "survives",
        "to flip",
    )
    return table(heads, [_edge(row, titles, marks) for row in listed.to_dicts()])


def _edge(row: Row, titles: Titles, marks: Sequence[str]) -> list[str]:
    ends = (_named(row[end], titles) for end in ("source_value_id", "wiser_value_id"))
    flip = "–" if row["votes_to_flip"] is None else str(row["votes_to_flip"])
    share = f"{row['wiser_share_low']:.2f}–{row['wiser_share_high']:.2f}"
    sure = (f"{row['p_base']:.2f}", f"{row['bootstrap_survival']:.0%}", flip)
    return [*ends, *(str(row[mark]) for mark in marks), share, *sure]


# What the authors published, counted again

REPORT = "https://www.meaningalignment.org/research/openai-dft-the-first-moral-graph"
PAPER = "https://arxiv.org/abs/2404.10636"
APP = "https://github.com/meaningalignment/dft"
EXPLANATION = (
    "https://github.com/meaningalignment/moral-graph-elicitation/blob/"
    "a5154f82f976507f92b344aba0b8a554e8b62804/app/routes/explanation.tsx"
)
CYCLES = "https://www.emergentmind.com/open-problems/handle-cycles-in-moral-graph"
SURVEY = "https://sladebyrd.com/ai-safety-orgs/mai"
PUBLISHED = """\
# Published figures, counted again

Made by `make first-run` from the real run's tables; not edited by hand. Beside each figure that the authors
published, in other words than theirs, stand ours as of 2023-10-17 and the query that gives them: SQL on the
loaded tables (`dft load ../shared/dft-2023`), without the pipeline. Figures are only here where a source
was found: the report's summary, the paper's abstract, the authors' repositories, and where it says so,
somebody else's summary of the paper. The explanation of the authors' later platform does not say that all
of its examples are of this run; the values that it names are.
"""
RANKED = """\
From the snapshot: `graph_values.filter(scope="case:abortion").sort("pagerank", descending=True)`."""
BRIDGING = f"""\
## Bridging

Republicans and Democrats come to agree on values, whatever they think of abortion. Source:
[report]({REPORT}).

A bridge is two values, one voted for by people of either party, and a third that both judged wiser. Where
fewer than five people of a party are behind it, it is not shown, nor counted here. So the claim can be
neither confirmed nor denied in public: by pair of values the parties are too small. The queries are
`sql/reports/bridging_upgrade.sql`, as the authors describe it, and `sql/reports/bridging_any_answer.sql`, as
they asked it:

```sh
dft bridging Republican Democrat --as-of {DAY} [--as-published]
```
"""
NOT_COUNTED = (
    (
        "71 % of participants found their thinking clarified; 75 % gained respect for people across the "
        "divide",
        f"[report]({REPORT})",
        "the answers to the closing survey",
    ),
    (
        "89.1 % felt well represented by the process",
        f"[paper]({PAPER})",
        "the answers to the closing survey",
    ),
    (
        "89 % thought the final graph fair, whatever became of their own value",
        f"[paper]({PAPER})",
        "the answers about one's place in the graph (`GraphPositionVerification`)",
    ),
    (
        "97 % could articulate a value in the format asked for",
        f"[a summary by somebody else]({SURVEY})",
        "the chats: who began one and ended without a card cannot be counted",
    ),
    (
        "values of people with experience, such as women who had sought advice on abortion, come out on top",
        f"[paper]({PAPER})",
        "the chats: nothing says who has which experience",
    ),
)


class Claim(NamedTuple):
    """Something published, where, the query that counts it again, and what its rows tell."""

    title: str
    said: str
    source: str
    query: str
    parameters: Mapping[str, object]
    told: Callable[[Sequence[Row]], str]


def _people(rows: Sequence[Row]) -> str:
    (row,) = rows
    unknown = row["participants"] - row["of_known_affiliation"]
    return (
        f"{row['participants']} people voted or judged, {row['recruited']} of them sent by the recruiting "
        f"platform. Whether they represent the population cannot be seen from these tables: of {unknown} "
        "the political affiliation is not known."
    )


def _cases(rows: Sequence[Row]) -> str:
    return f"{len(rows)} cases, by very different numbers of people."


def _minutes(rows: Sequence[Row]) -> str:
    (row,) = rows
    return (
        f"{row['median_minutes']} minutes in the median, pauses and registration included; when chats "
        "began and ended is not in the tables."
    )


def _graph(rows: Sequence[Row]) -> str:
    (row,) = rows
    return (
        f"The same {row['values']} values and {row['edges']} edges; every count and both summary figures "
        f"agree too (`tests/golden/test_published_2023.py`). But there are {row['loops']} loops in it. The "
        "policy `default` leaves none."
    )


def _mentors(rows: Sequence[Row]) -> str:
    row = next(row for row in rows if row["from_value"] == "Diverse Viewpoints")
    return (
        f"Nobody said no; {row['upgrade']} people said yes and {row['not_sure']} was not sure. The claim "
        f"rests on these {row['upgrade'] + row['not_sure'] + row['no_upgrade']} answers."
    )


def _faith(rows: Sequence[Row]) -> str:
    row = next(row for row in rows if row["from_value"] == "Religious Adherence")
    return (
        f"{row['upgrade']} people were asked whether it is wiser than Religious Adherence and decided, and "
        f"said yes; of those asked the reverse, {row['reverse_upgrade']} said yes to that. It is one of the "
        "least certain [edges](first-run.md#under-published-2023-the-ten-least-certain). What each party "
        "said rests on too few people to be shown."
    )


def _votes(rows: Sequence[Row]) -> str:
    return (
        f"Votes would choose {rows[0]['title']}, with {rows[0]['votes']}. Which value the authors mean "
        "cannot be told, as nothing says who wrote it. Below are the first of their graph for the case, "
        "by PageRank under `published-2023` (their variant gives the same order), with their places by "
        "votes. Loops raise what stands in them, and the first stands in one."
    )


CLAIMS = (
    Claim(
        "Participants",
        "About 500 people took part, sampled to represent the population of the United States.",
        f"[report]({REPORT}), [paper]({PAPER})",
        "participants",
        {"no_answer": list(reading.NO_ANSWER)},
        _people,
    ),
    Claim("Cases", "Three prompts, chosen to divide.", f"[paper]({PAPER})", "cases", {}, _cases),
    Claim("Time", "The process takes about 15 minutes.", f"[the app]({APP})", "minutes", {}, _minutes),
    Claim(
        "The graph",
        f"The published graph, the export of the [app]({APP}), has 60 values and 69 edges. Edges in loops "
        "are left out.",
        f"`published-graph.json` beside the tables; [a summary of the paper]({CYCLES}) on loops",
        "graph",
        {},
        _graph,
    ),
    Claim(
        "Wise mentors",
        "Participants agreed without exception that to find wise mentors is wiser than to present diverse "
        "viewpoints.",
        f"[a later explanation]({EXPLANATION})",
        "answers_into",
        {"title": "Find Wise Mentors"},
        _mentors,
    ),
    Claim(
        "Faith",
        "A majority found a personal relation to one's faith wiser than what religion prescribes, and "
        "both parties agreed on Faith-anchored Personal Growth.",
        f"[a later explanation]({EXPLANATION})",
        "answers_into",
        {"title": "Faith-anchored Personal Growth"},
        _faith,
    ),
    Claim(
        "The wisest value on abortion",
        "What came out on top for abortion was the value of somebody who had lived through it; counting "
        "votes would have lost it.",
        f"[a later explanation]({EXPLANATION})",
        "votes",
        {"case_id": "abortion"},
        _votes,
    ),
)


def published_figures(url: str, lake: Lake) -> str:
    """What the authors published beside what their tables give, as Markdown."""
    with psycopg.connect(url) as connection:
        answers = {claim.title: _asked(connection, claim) for claim in CLAIMS}
    sections = [_section(claim, answers[claim.title], lake) for claim in CLAIMS]
    missing = table(("they say", "source", "what is missing"), NOT_COUNTED)
    return "\n".join(
        [PUBLISHED, *sections, _bridging(url), f"## What cannot be counted again\n\n{missing}\n"]
    )


def _asked(connection: psycopg.Connection, claim: Claim) -> list[Row]:
    asked = {**claim.parameters, "before": BEFORE}
    with connection.cursor(row_factory=dict_row) as cursor:
        return list(cursor.execute(sql.text(f"published/{claim.query}"), asked).fetchall())


def _section(claim: Claim, rows: Sequence[Row], lake: Lake) -> str:
    listed = table(list(rows[0]), [[harmless(cell) for cell in row.values()] for row in rows[:FIRST]])
    told = (_wrapped(f"{claim.said} Source: {claim.source}."), _wrapped(claim.told(rows)))
    parts = [f"## {claim.title}", *told, listed]
    if claim.query == "votes":
        parts.append(_by_pagerank(rows, lake))
    return "\n\n".join([*parts, _query(claim.query, claim.parameters)]) + "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _query(name: str, parameters: Mapping[str, object]) -> str:
    given = {**parameters, "before": f"{BEFORE:%Y-%m-%d}"}
    said = ", ".join(f"`{key}` = `{value}`" for key, value in given.items())
    return f"`sql/published/{name}.sql`, with {said}:\n\n```sql\n{sql.text(f'published/{name}').strip()}\n```"


def _by_pagerank(votes: Sequence[Row], lake: Lake) -> str:
    """The first values of the case's graph, and where they stand by votes."""
    nodes = lake.snapshot("graph_values", DAY).filter(scope=case_scope("abortion"))
    ranked = nodes.sort("pagerank", "value_id", descending=[True, False]).head(FIRST)
    by_id = {row["value_id"]: row for row in votes}
    rows = []
    for value in ranked.to_dicts():
        voted = by_id.get(value["value_id"], {"votes": 0, "place": "–"})
        name = f"{harmless(value['title'])} ({value['value_id']})"
        rows.append((name, f"{value['pagerank']:.3f}", str(voted["votes"]), str(voted["place"])))
    return table(("value", "PageRank", "votes", "place by votes"), rows) + f"\n\n{RANKED}"


def _bridging(url: str) -> str:
    """How many bridges between the parties may be shown, by either count."""
    ways: tuple[tuple[str, Counted], ...] = (("only `upgrade`", "upgrade"), ("any answer", "any_answer"))
    counts = [
        (said, str(len(bridges(url, "Republican", "Democrat", DAY, counted)))) for said, counted in ways
    ]
    return f"{BRIDGING}\n{table(('what counts', 'bridges of five people or more of each party'), counts)}\n"


@contextmanager
def run(tables: Path) -> Iterator[tuple[str, Lake, Lake]]:
    """The tables loaded and built under the two policies, in a home that is thrown away."""
    # Not under a private folder: the server of a root user runs as somebody else.
    home = Path(tempfile.mkdtemp(prefix="dft-first-run-"))
    home.chmod(0o755)
    try:
        with embedded_server(home) as url:
            # Nothing of the caller's settings: the pages are of the project's defaults.
            settings = {"PATH": os.defpath, "HOME": str(home), "DFT_HOME": str(home), "DFT_DATABASE_URL": url}
            _dft(settings, "load", str(tables.absolute()))
            for policy in POLICIES:
                lake = {"DFT_LAKE": str(home / policy)}
                _dft(settings | lake, "build", "--as-of", str(DAY), "--policy", policy)
            default, published = (Lake(str(home / policy)) for policy in POLICIES)
            yield url, default, published
    finally:
        shutil.rmtree(home)


def _dft(settings: dict[str, str], *words: str) -> None:
    command = [str(Path(sys.executable).with_name("dft")), *words]
    subprocess.run(command, cwd=settings["DFT_HOME"], env=settings, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if not TABLES.is_dir():
        sys.exit(f"the real run's tables are not in {TABLES}")
    with run(TABLES) as built:
        for name, content in pages(*built).items():
            (DOCS / name).write_text(content, encoding="utf-8")
