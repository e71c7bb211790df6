"""The dataset card: what a data set is, whom it comes from, how sure it is, and what it is not for."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dft_pipeline.formats.making import Asked, Tables
from dft_pipeline.markdown import harmless, table
from dft_pipeline.tables import TABLES
from dft_pipeline.training.pairs import trusts

SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))
LARGEST = "1M<n<10M"
TAGS = ("democratic-fine-tuning", "moral-graph", "human-values", "reward-model")
FILE = "data/{}/{}-00000-of-00001.parquet"
# (table, side) → rows
Counts = Mapping[tuple[str, str], int]

NOT_FOR = """\
- To say what is right. It holds what the people who took part found wise, in the contexts they were asked of.
- To judge, profile or find people, those who took part among them. Nobody may be re-identified from it.
- To train on its `test` side, or to report a figure of a model that was trained on it.
- For decisions about people's health, law or safety without people who are competent in them."""


def card(tables: Tables, asked: Asked, counts: Counts) -> str:
    """README.md: YAML that says how the files are opened, and the card."""
    sections = {
        "What it is": _what(counts),
        "Who took part": _people(tables),
        "How it was made": _settings(asked),
        "Licence and consent": _consent(asked),
        "Missing evidence": _missing(asked.snapshot.manifest["missing_evidence"]),
        "Known limits": _limits(tables, asked),
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
    people = len(tables["participant_behaviour"])
    said = f"{people:,} people. What they said of themselves; answers of few people are left out:"
    rows = [
        (harmless(row["field"]), _answer(row["answer"]), f"{row['participants']:,}", f"{row['share']:.1%}")
        for row in tables["demographic_coverage"].iter_rows(named=True)
    ]
    if not rows:
        return f"{people:,} people. What they are is not known, or only of so few that it is not told."
    return f"{said}\n\n{table(('question', 'answer', 'people', 'share'), rows)}"


def _answer(answer: str | None) -> str:
    return "not known" if answer is None else harmless(answer)


def _settings(asked: Asked) -> str:
    snapshot = asked.snapshot
    made = snapshot.manifest["settings"]
    hops = made["aggregation"]["h"]
    rows = [
        ("snapshot", snapshot.as_of),
        ("manifest, SHA-256", f"`{snapshot.manifest_sha256}`"),
        ("entry of the publication log", str(snapshot.log_entry)),
        ("consensus policy", harmless(made["policy"]["name"])),
        ("h: edges that support was carried along at most", "all" if hops is None else str(hops)),
        ("thresholds of the policy", _listed(made["policy"])),
        ("thresholds of aggregation", _listed(made["aggregation"])),
        ("filters of this export", _listed(asked.filters.model_dump(exclude_none=True)) or "none"),
    ]
    return table(("", ""), rows)


def _listed(settings: Mapping[str, Any]) -> str:
    numbers = {
        name: value
        for name, value in settings.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return ", ".join(f"{name} {value}" for name, value in numbers.items() if name not in ("version", "h"))


def _consent(asked: Asked) -> str:
    consent = harmless(asked.consent_basis, width=None)
    return f"Licence: {harmless(asked.license, width=None)}. What participants agreed to: {consent}"


def _missing(missing: Iterable[str]) -> str:
    return (
        "\n".join(f"- {harmless(one, width=None)}" for one in missing) or "None: the source had every kind."
    )


def _limits(tables: Tables, asked: Asked) -> str:
    said = [
        "The people who took part are no sample of any public; the shares above say who they are.",
        "Texts are participants' and models' own words, and may hold errors and offence.",
        "A prompt that is a turn of a conversation stands alone, without what came before it.",
        *_uncertainty(tables),
        *_judge(tables, asked),
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


def _judge(tables: Tables, asked: Asked) -> list[str]:
    """Whether scores are a model's, and how far it agrees with people."""
    if "criterion_scores" not in tables:
        return ["No completion was scored: nothing here says how well an answer carries a value out."]
    of_model = int((tables["criterion_scores"]["rater_role"] == "model").sum())
    if of_model == 0:
        return ["All scores of completions are people's."]
    return [f"Of the scores of completions, {of_model:,} are a model's. {_trust(tables, asked)}"]


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
