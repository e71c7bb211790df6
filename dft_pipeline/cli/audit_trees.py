"""What `dft audit` prints for people: a tree of what was found; all of it is in `--json`.

Texts of participants are escaped (`terminal.shown`), and long lists end in how many more there are.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from rich.console import Console
from rich.tree import Tree

from dft_pipeline.cli.terminal import shown
from dft_pipeline.lineage.reading import Found

MOST = 10  # lines of a list
MOST_JUDGMENTS = 100  # of an edge, either way
TEXT_SHOWN = 300  # characters of a text
_One = TypeVar("_One")
COLOURS = {"upgrade": "green", "no_upgrade": "red", "not_sure": "yellow"}


def print_audit(console: Console, kind: str, found: Found, day: date) -> None:
    """Prints what an audit of that kind found."""
    names = {row["value_id"]: row["title"] for row in found["values"]}
    head, tree = TREES[kind](found, names)
    if found.get("days"):
        _add_days(tree.add("the days on which it was an edge, of the snapshots that are kept"), found["days"])
    if found["exports"]:
        _add_exports(tree.add("exports of this snapshot"), found["exports"])
    console.print(f"[bold]{head}[/bold], as of {day}", highlight=False)
    console.print(tree, highlight=False)


def _add_days(branch: Tree, spans: Sequence[Found]) -> None:
    for span in spans:
        ended = f"; ended on {span['ended_on']}: {span['ended_by']}" if span["ended_on"] else ""
        branch.add(f"{span['first_day']} to {span['last_day']}{ended}")


def _add_exports(branch: Tree, exports: Sequence[Found]) -> None:
    for export in exports:
        files = ", ".join(f"{shown(name)} (SHA-256 {digest})" for name, digest in export["files"].items())
        old = "[yellow]superseded[/yellow] " if export["superseded"] else ""
        branch.add(f"{old}{export['form']}: {files}")


# An edge


def _edge(found: Found, names: Mapping[int, str]) -> tuple[str, Tree]:
    verdict = found["verdict"]
    ends = verdict["source_value_id"], verdict["wiser_value_id"]
    tree = Tree(f"{_verdict(verdict)} [dim]({found['rule']['policy']})[/dim]: {shown(found['rule']['says'])}")
    tree.add(_counts(verdict))
    tree.add(f"in: {shown('; '.join(verdict['contexts']))}")
    judgments = tree.add(_many(len(found["judgments"]), "judgment"))
    for way, (one, other) in (("forward", ends), ("reverse", ends[::-1])):
        theirs = [judgment for judgment in found["judgments"] if judgment["direction"] == way]
        if theirs:
            _add_judgments(judgments.add(f"{way}: {len(theirs)} were asked {one} → {other}"), theirs)
    _add_votes(tree.add("the same people's votes"), found["votes"], ends, names)
    for end in ends:
        _add_cards(tree, [card for card in found["cards"] if card["value_id"] == end], _value(end, names))
    _add_consequences(tree.add("what followed"), found)
    return f"{_value(ends[0], names)}  →  {_value(ends[1], names)}", tree


def _verdict(verdict: Found) -> str:
    if verdict["is_edge"]:
        return "[green]an edge[/green] of the moral graph"
    reason = verdict["rejection_reason"]
    return f"[red]no edge[/red]: {reason}" if reason else "[red]no edge[/red]"


def _counts(pair: Found) -> str:
    rates = ", ".join(f"{name} {_rate(pair[name])}" for name in ("wiser_likelihood", "entropy"))
    return (
        f"{pair['marked_wiser']} wiser, {pair['marked_not_wiser']} not wiser, "
        f"{pair['marked_unsure']} unsure, {pair['marked_less_wise']} the other way round, "
        f"of {pair['judgments_both_ways']} asked either way; {rates}"
    )


def _add_judgments(branch: Tree, judgments: Sequence[Found]) -> None:
    """One leaf per judgment; a story, which many were shown, stands once, above them."""
    stories = list(dict.fromkeys(judgment["story"] for judgment in judgments if judgment["story"]))
    _limited(branch, stories, lambda story: f"[dim]the story they read:[/dim] {_cut(story)}")
    for judgment in judgments[:MOST_JUDGMENTS]:
        leaf = branch.add(
            f"{_answer(judgment)} {judgment['created_at']:%Y-%m-%d} "
            f"[dim]{judgment['participant_id']}[/dim] {shown(judgment['context_id'])}"
        )
        if judgment["comment"]:
            leaf.add(f"[dim]comment:[/dim] {_cut(judgment['comment'])}")
    _add_rest(branch, len(judgments) - MOST_JUDGMENTS)


def _add_votes(
    branch: Tree, votes: Sequence[Found], value_ids: Iterable[int], names: Mapping[int, str]
) -> None:
    for value_id in value_ids:
        voted, saw = (
            {
                vote["participant_id"]
                for vote in votes
                if vote["value_id"] == value_id and vote["is_vote"] is is_vote
            }
            for is_vote in (True, False)
        )
        branch.add(f"{len(saw)} were shown {_value(value_id, names)} in a draw, {len(voted)} voted for it")


def _add_consequences(branch: Tree, found: Found) -> None:
    if found["edge_in"]:
        branch.add(
            f"an edge in {_many(len(found['edge_in']), 'scope')}: {shown(', '.join(found['edge_in']))}"
        )
    _add_rows(branch, found["rows"], "that it makes wise")


# A value


def _a_value(found: Found, names: Mapping[int, str]) -> tuple[str, Tree]:
    value = found["value"]
    tree = Tree(_cut(value["instructions_short"]))
    text = tree.add(_cut(value["instructions_detailed"]))
    for criterion in value["criteria"]:
        text.add(_cut(criterion))
    _add_cards(tree, found["cards"], "it")
    people = len({row["participant_id"] for row in found["support"]})
    support = tree.add(f"{people} people support it themselves")
    for row in found["supporters"]:
        case = "" if row["case_id"] is None else f" for {shown(row['case_id'])}"
        support.add(f"{row['participants']} {row['how'].replace('_', ' ')}{case}")
    _add_pairs(tree, "incoming", found["incoming"], "source_value_id", names)
    _add_pairs(tree, "outgoing", found["outgoing"], "wiser_value_id", names)
    _add_rows(tree, found["rows"], "that it was chosen for")
    _add_rows(tree, found["leads_to"], "of a wiser value that it leads to")
    return _value(value["value_id"], names), tree


def _add_pairs(tree: Tree, way: str, pairs: Sequence[Found], other: str, names: Mapping[int, str]) -> None:
    edges = sum(pair["is_edge"] for pair in pairs)
    branch = tree.add(f"{way}: {_many(edges, 'edge')}, {_many(len(pairs) - edges, 'rejected pair')}")
    _limited(branch, pairs, lambda pair: _pair(pair, _value(pair[other], names)))


def _pair(pair: Found, other: str) -> str:
    evidence = pair["evidence"]
    sure = "" if evidence is None else f"; survives {evidence['bootstrap_survival']:.0%} of resamples"
    verdict = "[green]an edge[/green]" if pair["is_edge"] else f"[red]{pair['rejection_reason']}[/red]"
    counts = f"{pair['marked_wiser']} of {pair['judgments_both_ways']} wiser"
    return f"{other}: {verdict}, {counts}, wiser_likelihood {_rate(pair['wiser_likelihood'])}{sure}"


# A training row


def _row(found: Found, names: Mapping[int, str]) -> tuple[str, Tree]:
    row, lineage, settings = found["row"], found["lineage"], found["settings"]
    tree = Tree(f"prompt {shown(row['prompt_id'])}: {_cut(row['prompt'])}")
    where = "all of the case" if row["context_id"] is None else shown(row["context_id"])
    hops = "all" if settings["h"] is None else settings["h"]
    tree.add(f"Γ was asked about {where}, h {hops}, policy {row['policy']}")
    direct = len({reason["participant_id"] for reason in found["support"]})
    exposed = len(found["exposed"]) + len(found["exposed_along"])
    tree.add(
        f"support {row['support']} = {direct} themselves + {len(found['carried'])} carried along edges\n"
        f"share {row['share']:.3f} = {row['support']} / {exposed} exposed "
        f"[dim](it takes {settings['min_share']:.3f}, and {settings['min_participants']} supporters)[/dim]\n"
        f"reach {row['reach']:.3f} = {row['support']} / {len(found['active'])} active there"
    )
    _add_considered(tree, found, names)
    edges = tree.add(f"{_many(len(found['edges']), 'edge')} to it there")
    _limited(edges, found["edges"], lambda edge: _edge_into(edge, names))
    _add_reasons(tree, found["support"], direct)
    ways = Counter(tuple(one["path"]) for one in found["carried"])
    carried = tree.add(f"{len(found['carried'])} carried, in {_many(len(ways), 'way')}")
    _limited(carried, ways.most_common(), lambda way: f"{way[1]} along {' → '.join(map(str, way[0]))}")
    if found["erased"]:
        tree.add(f"{len(found['erased'])} votes for it do not count there: a dispute's judges cast them")
    return f"{_value(lineage['value_id'], names)} [dim]{row['row_id']}[/dim]", tree


def _add_considered(tree: Tree, found: Found, names: Mapping[int, str]) -> None:
    """Every value that Γ could choose, and why it did or did not; the others as a number."""
    candidates = [one for one in found["considered"] if one["is_candidate"]]
    branch = tree.add(
        f"{len(found['considered'])} values were considered, {len(candidates)} had share and support enough, "
        f"at most {found['settings']['top_k']} are chosen"
    )
    for one in candidates:
        branch.add(
            f"{_value(one['value_id'], names)}: support {one['support']} of {one['exposed']} exposed, "
            f"pagerank {one['pagerank']:.4f}: {_fate(one)}"
        )


def _fate(one: Found) -> str:
    if one["outdone_by"]:
        return f"[red]dropped[/red] for wiser {', '.join(map(str, one['outdone_by']))}"
    return f"[green]rank {one['rank']}[/green]" if one["is_chosen"] else f"rank {one['rank']}, not chosen"


def _edge_into(edge: Found, names: Mapping[int, str]) -> str:
    return f"from {_value(edge['source_value_id'], names)}: {_counts(edge)}"


def _add_reasons(tree: Tree, support: Sequence[Found], direct: int) -> None:
    branch = tree.add(f"{direct} support it themselves")
    for how in dict.fromkeys(sorted(reason["how"] for reason in support)):
        people = {reason["participant_id"] for reason in support if reason["how"] == how}
        branch.add(f"{len(people)} {how.replace('_', ' ')}")


# What is contested


def _contested(found: Found, names: Mapping[int, str]) -> tuple[str, Tree]:
    first = found["records"][0]
    tree = Tree(_many(len(found["records"]), "record"))
    for record in found["records"]:
        dispute = "a dispute" if record["is_dispute"] else "no dispute"
        ends = ", ".join(_value(value_id, names) for value_id in record["value_ids"])
        branch = tree.add(
            f"[bold]{record['kind']}[/bold] ({dispute}), judged by {record['participant_count']}: {ends}"
        )
        removed = {(edge["source_value_id"], edge["wiser_value_id"]) for edge in record["unwound_edges"]}
        for pair in record["verdicts"]:
            _add_contested_pair(branch, pair, record["judgments"], removed)
    if found["erased"]:
        tree.add(f"{len(found['erased'])} votes of its judges for its values do not count there")
    _add_rows(tree, found["rows"], "of its values there")
    return f"contested in {shown(first['scope'])}: {first['component_id']}", tree


def _add_contested_pair(
    branch: Tree, pair: Found, judgments: Sequence[Found], removed: set[tuple[int, int]]
) -> None:
    ends = pair["source_value_id"], pair["wiser_value_id"]
    gone = " [red]removed[/red]," if ends in removed else ""
    leaf = branch.add(f"{ends[0]} → {ends[1]}:{gone} {shown(pair['says'])}; {_counts(pair)}")
    edge_id = f"{pair['scope']}|{ends[0]}|{ends[1]}"
    theirs = [one for one in judgments if one["edge_id"] == edge_id and one["direction"] == "forward"]
    _limited(
        leaf,
        theirs,
        lambda one: (
            f"{_answer(one)} {one['created_at']:%Y-%m-%d} [dim]{one['participant_id']}[/dim] "
            f"{shown(one['context_id'])}"
        ),
    )


# A participant


def _participant(found: Found, names: Mapping[int, str]) -> tuple[str, Tree]:
    tree = Tree("what they did, and what it went into")
    chats = tree.add(_many(len(found["chats"]), "chat"))
    _limited(
        chats,
        found["chats"],
        lambda chat: (
            f"{shown(chat['case_id'])}: {chat['status']}, {_many(chat['turns'], 'turn')} "
            f"[dim]{shown(chat['chat_id'])}[/dim]"
        ),
    )
    cards = tree.add(_many(len(found["cards"]), "card"))
    _limited(cards, found["cards"], lambda card: f"{_card(card)} → {_value(card['value_id'], names)}")
    voted = [vote for vote in found["votes"] if vote["is_vote"]]
    votes = tree.add(f"{_many(len(voted), 'vote')}, {len(found['votes']) - len(voted)} showings")
    _limited(votes, voted, lambda vote: f"{shown(vote['case_id'])}: {_value(vote['value_id'], names)}")
    behind = {(edge["source_value_id"], edge["wiser_value_id"]): edge for edge in found["edges"]}
    judgments = tree.add(_many(len(found["judgments"]), "judgment"))
    _limited(judgments, found["judgments"], lambda judged: _own_judgment(judged, behind, names))
    _add_own_rows(tree, found["rows"], names)
    _add_sections(tree, found["sections"], names)
    return f"participant {found['participant_id']}", tree


def _own_judgment(judged: Found, behind: Mapping[tuple[int, int], Found], names: Mapping[int, str]) -> str:
    ends = judged["source_value_id"], judged["wiser_value_id"]
    pair = behind.get(ends)
    became = "no candidate" if pair is None else _fate_of_pair(pair)
    return (
        f"{_answer(judged)} {judged['created_at']:%Y-%m-%d} {_value(ends[0], names)} → "
        f"{_value(ends[1], names)}: {became}"
    )


def _fate_of_pair(pair: Found) -> str:
    return "[green]an edge[/green]" if pair["is_edge"] else f"[red]{pair['rejection_reason']}[/red]"


def _add_own_rows(tree: Tree, rows: Sequence[Found], names: Mapping[int, str]) -> None:
    direct = sum(row["how"] == "direct" for row in rows)
    branch = tree.add(
        f"supports {_many(len(rows), 'training row')}, {direct} directly, the others along edges"
    )
    _limited(
        branch,
        rows,
        lambda row: (
            f"{_question(row)}: {_value(row['value_id'], names)}, "
            + ("directly" if row["how"] == "direct" else f"along {' → '.join(map(str, row['path']))}")
            + f" [dim]{row['row_id']}[/dim]"
        ),
    )


def _add_sections(tree: Tree, sections: Sequence[Found], names: Mapping[int, str]) -> None:
    branch = tree.add("their values and the neighbours")
    for own in sections:
        how = " and ".join(own["how"])
        leaf = branch.add(f"{shown(own['case_id'])}: {_value(own['value_id'], names)}, which they {how}")
        _limited(leaf, own["wiser"], lambda edge: _neighbour(edge, "wiser_value_id", "wiser", names))
        _limited(leaf, own["less_wise"], lambda edge: _neighbour(edge, "source_value_id", "less wise", names))


def _neighbour(edge: Found, end: str, said: str, names: Mapping[int, str]) -> str:
    return f"{edge['marked_wiser']} found {said}: {_value(edge[end], names)}"


# What trees share


def _add_cards(tree: Tree, cards: Sequence[Found], of: str) -> None:
    branch = tree.add(f"{_many(len(cards), 'card')} became {of}")
    _limited(branch, cards, _card)


def _card(card: Found) -> str:
    similar = "" if card["similarity"] is None else f", similarity {card['similarity']:.3f}"
    chat = "" if card["chat_id"] is None else f", [dim]chat {shown(card['chat_id'])}[/dim]"
    why = "" if not card["motivation"] else f": {_cut(card['motivation'])}"
    return f"{card['card_kind']} {card['card_id']}, {shown(card['decided_by'])}{similar}{why}{chat}"


def _add_rows(tree: Tree, rows: Sequence[Found], said: str) -> None:
    branch = tree.add(f"{_many(len(rows), 'training row')} {said}")
    _limited(branch, rows, lambda row: f"{_question(row)} [dim]{row['row_id']}[/dim]")


def _question(row: Found) -> str:
    context = "" if row["context_id"] is None else f", {shown(row['context_id'])}"
    return f"{shown(row['case_id'])}{context}"


def _answer(judgment: Found) -> str:
    answer = judgment["relationship"]
    return f"[{COLOURS[answer]}]{answer}[/]"


def _value(value_id: int, names: Mapping[int, str]) -> str:
    return f"{shown(names.get(value_id, 'a value without text'))} ({value_id})"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.3f}"


def _cut(text: str) -> str:
    return shown(text if len(text) <= TEXT_SHOWN else f"{text[: TEXT_SHOWN - 1]}…")


def _limited(branch: Tree, items: Sequence[_One], said: Callable[[_One], str]) -> None:
    for item in items[:MOST]:
        branch.add(said(item))
    _add_rest(branch, len(items) - MOST)


def _add_rest(branch: Tree, more: int) -> None:
    if more > 0:
        branch.add(f"[dim]and {more:,} more, which --json shows[/dim]")


TREES: Mapping[str, Callable[[Found, Mapping[int, str]], tuple[str, Tree]]] = {
    "edge": _edge,
    "value": _a_value,
    "row": _row,
    "contested": _contested,
    "participant": _participant,
}
