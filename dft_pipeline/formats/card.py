"""The dataset card: what a data set is, whom it comes from, how sure it is, and what it is not for."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from dft_pipeline.formats.making import Asked, Tables
from dft_pipeline.markdown import harmless, table
from dft_pipeline.tables import TABLES
from dft_pipeline.training.lengths import length_correlation
from dft_pipeline.training.pairs import trusts

SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))
LARGEST = "1M<n<10M"
TAGS = ("democratic-fine-tuning", "moral-graph", "human-values", "reward-model")
FILE = "data/{}/{}-00000-of-00001.parquet"
# Groups of a snapshot's settings, in words.
SETTINGS = {
    "policy": "consensus policy",
    "aggregation": "aggregation (h: edges that support was carried along at most)",
    "evidence": "evidence",
    "participants": "whose input counts",
    "deduplication": "deduplication of cards, offline",
    "similarity": "which contexts apply to a prompt",
    "training": "scores and pairs",
}
ALL, NOT_SET = "all", "not set"
DEEDS = ("chats", "cards", "shown", "votes", "judgments")
# (table, side) → rows
Frames = Mapping[tuple[str, str], pl.DataFrame]
Counts = Mapping[tuple[str, str], int]

NOT_FOR = """\
- To say what is right. It holds what the people who took part found wise, in the contexts they were asked of.
- To judge, profile or find people, those who took part among them. Nobody may be re-identified from it.
- To train on its `test` side, or to report a figure of a model that was trained on it.
- For decisions about people's health, law or safety without people who are competent in them."""


def card(tables: Tables, asked: Asked, frames: Frames) -> str:
    """README.md: YAML that says how the files are opened, and the card. `frames` are those files."""
    counts = {where: len(rows) for where, rows in frames.items()}
    sections = {
        "What it is": _what(counts),
        "Who took part": _people(tables),
        "How it was made": _settings(asked),
        "Licence and consent": _consent(asked),
        "Missing evidence": _missing(asked.snapshot.manifest["missing_evidence"]),
        "Known limits": _limits(tables, asked, frames),
        "What it must not be used for": NOT_FOR,
    }
    prose = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"{_front_matter(asked, counts)}\n# {_name(asked)}\n\n{prose}\n"


def _name(asked: Asked) -> str:
    return f"Democratic Fine-Tuning, as of {asked.snapshot.as_of}"


def _front_matter(asked: Asked, counts: Counts) -> str:
    """Strings are JSON's, which YAML reads as it does its own."""
    lines = ["---", f"pretty_name: {json.dumps(_name(asked))}"]
    lines += [f"license: {json.dumps(str(asked.license).lower())}", "tags:"]
    lines += [f"- {json.dumps(tag)}" for tag in TAGS]
    lines += ["size_categories:", f"- {json.dumps(_size(sum(counts.values())))}", "configs:"]
    for number, name in enumerate(dict.fromkeys(name for name, _ in counts)):
        lines.append(f"- config_name: {json.dumps(name)}")
        lines += ["  default: true"] if number == 0 else []
        lines.append("  data_files:")
        for side in (side for of, side in counts if of == name):
            lines.append(f"  - split: {json.dumps(side)}")
            lines.append(f"    path: {json.dumps(FILE.format(name, side))}")
    return "\n".join([*lines, "---", ""])


def _size(rows: int) -> str:
    return next((size for bound, size in SIZES if rows < bound), LARGEST)


def _what(counts: Counts) -> str:
    said = (
        "What a public found wise for a chatbot to attend to, compiled into training data by Democratic "
        "Fine-Tuning: participants articulated values, voted for them, and judged which value is wiser than "
        "which in which context."
    )
    rows = [(f"`{name}`", side, f"{count:,}", _grain(name)) for (name, side), count in counts.items()]
    return f"{said}\n\n{table(('table', 'split', 'rows', 'one row is'), rows)}"


def _grain(name: str) -> str:
    return TABLES[name].grain if name in TABLES else ""


def _people(tables: Tables) -> str:
    people = tables["participant_behaviour"]
    active = len(people.filter(pl.any_horizontal(pl.col(DEEDS) > 0)))
    said = f"{active:,} people took part: they had a chat, saw, articulated or chose values, or judged."
    signed_up = f"{len(people):,} are known to have signed up, whatever they did"
    rows = [
        (harmless(row["field"]), _answer(row["answer"]), f"{row['participants']:,}", f"{row['share']:.1%}")
        for row in tables["demographic_coverage"].iter_rows(named=True)
    ]
    if not rows:
        return f"{said} {signed_up}. What they are is not known, or only of so few that it is not told."
    groups = "; of these are the people and shares below, without answers of few people:"
    return f"{said} {signed_up}{groups}\n\n{table(('question', 'answer', 'people', 'share'), rows)}"


def _answer(answer: str | None) -> str:
    return "not known" if answer is None else harmless(answer)


def _settings(asked: Asked) -> str:
    snapshot = asked.snapshot
    made = snapshot.manifest["settings"]
    rows = [
        ("snapshot", snapshot.as_of),
        ("manifest, SHA-256", f"`{snapshot.manifest_sha256}`"),
        ("entry of the publication log", str(snapshot.log_entry)),
        *((SETTINGS[name], _listed(made[name])) for name in SETTINGS if name in made),
        ("other settings", _listed({name: made[name] for name in made if name not in SETTINGS})),
        ("filters of this export", _listed(asked.filters.model_dump(exclude_none=True)) or "none"),
    ]
    return table(("", ""), rows)


def _listed(settings: Mapping[str, Any]) -> str:
    """Every setting, name and version first; of whom a policy excludes by name, only how many."""
    told = {name: len(value) if name == "excluded" else value for name, value in settings.items()}
    order = sorted(told, key=lambda name: (name not in ("name", "version"), name))
    return ", ".join(f"{name} {_said(name, told[name])}" for name in order)


def _said(name: str, value: Any) -> str:
    if value is None:
        return ALL if name == "h" else NOT_SET
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return harmless(text, width=None) or "none"


def _consent(asked: Asked) -> str:
    consent = harmless(asked.consent_basis, width=None)
    return f"Licence: {harmless(asked.license, width=None)}. What participants agreed to: {consent}"


def _missing(missing: Iterable[str]) -> str:
    return (
        "\n".join(f"- {harmless(one, width=None)}" for one in missing) or "None: the source had every kind."
    )


def _limits(tables: Tables, asked: Asked, frames: Frames) -> str:
    said = [
        "The people who took part are no sample of any public; the shares above say who they are.",
        "Texts are participants' and models' own words, and may hold errors and offence.",
        "A prompt that is a turn of a conversation stands alone, without what came before it.",
        *_uncertainty(tables),
        *_lengths(_written("preference_pairs", frames)),
        *_judge(_written("criterion_scores", frames), tables, asked),
    ]
    return "\n".join(f"- {one}" for one in said)


def _uncertainty(tables: Tables) -> list[str]:
    """How many reward rows have survived nine of ten resamples, which is what `row_survival` says."""
    rows = tables["reward_rows"]
    sure = int((rows["row_survival"] >= 0.9).sum())
    return [
        f"{sure:,} of {len(rows):,} reward rows would have come out in nine of ten resamples of the people "
        "(`row_survival`)."
    ]


def _written(name: str, frames: Frames) -> pl.DataFrame:
    """The table's rows of every side."""
    theirs = [rows for (table_, _), rows in frames.items() if table_ == name]
    return pl.concat(theirs) if theirs else TABLES[name].schema.to_frame()


def _lengths(pairs: pl.DataFrame) -> list[str]:
    """How far being preferred goes with being longer, in the pairs that are written."""
    lean = length_correlation(pairs)
    if lean is None:
        return []
    return [f"The correlation of being preferred with the log of the length is {lean:+.2f} (1 is the most)."]


def _judge(scores: pl.DataFrame, tables: Tables, asked: Asked) -> list[str]:
    """Whether scores are a model's, and how far it agrees with people."""
    if scores.is_empty():
        return ["No completion was scored: nothing here says how well an answer carries a value out."]
    of_model = scores.filter(rater_role="model")
    if of_model.is_empty():
        return [f"All {len(scores):,} scores of completions are people's."]
    own = int(of_model["self_judged"].sum())
    return [
        f"Of {len(scores):,} scores of completions {len(of_model):,} are a model's, {own:,} of them of what "
        f"the same model wrote (`self_judged`). {_trust(tables, asked)}"
    ]


def _trust(tables: Tables, asked: Asked) -> str:
    training = asked.snapshot.training
    agreement = tables.get("judge_agreement", TABLES["judge_agreement"].schema.to_frame())
    if trusts(agreement, training.model_copy(update={"trusts_judge": False})):
        return "It was found to agree with people enough."
    said = (
        "**It was not found to agree with people enough "
        f"({training.min_items} items, and a kappa of {training.min_kappa})**"
    )
    if training.trusts_judge:
        return f"{said}; a setting lets it make pairs even so."
    return f"{said}; so its scores make no pairs."
