"""A step of each trainer on the examples of the formats, and every block of the page on training.

Needs the optional dependencies `train`; also runs in an environment that has only these and pytest, with
`pytest --noconftest tests/optional`. Nothing is downloaded.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

WHY = "the optional dependencies `train` are not installed"
trl = pytest.importorskip("trl", reason=WHY)
datasets = pytest.importorskip("datasets", reason=WHY)
transformers = pytest.importorskip("transformers", reason=WHY)

CHECKOUT = Path(__file__).parents[2]
FORMATS = CHECKOUT / "docs" / "formats"
PAGE = (CHECKOUT / "docs" / "training.md").read_text(encoding="utf-8")
BLOCKS = re.findall(
    r"```python\n(.*?)```\n\nThe last line that it prints:\n\n```\n(.*?)\n```", PAGE, re.DOTALL
)
NUMBER = re.compile(r"\d[\d.,]*")
QUICK = {
    "max_steps": 1,
    "per_device_train_batch_size": 2,
    "use_cpu": True,
    "bf16": False,
    "save_strategy": "no",
    "report_to": "none",
    "logging_steps": 1,
}


@pytest.fixture(scope="module", autouse=True)
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of what is run: nobody is asked, and what is cached goes with the test."""
    ours = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path_factory.mktemp("hub"))}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(CHECKOUT)
        yield {**os.environ, **ours}


def rows_of(form: str, folder: Path) -> Any:
    file = str(FORMATS / f"{form}.jsonl")
    return datasets.load_dataset("json", data_files=file, split="train", cache_dir=str(folder))


@pytest.mark.parametrize(
    ("form", "columns", "is_conversational"),
    [
        ("trl-preference", {"prompt", "chosen", "rejected"}, True),
        ("trl-preference-plain", {"prompt", "chosen", "rejected"}, False),
        ("trl-unpaired-preference", {"prompt", "completion", "label"}, True),
        ("trl-sft", {"prompt", "completion"}, True),
        ("rubric", {"prompt", "rubrics"}, True),
        ("chat-jsonl", {"messages"}, True),
    ],
)
def test_the_library_sees_the_format_that_is_meant(
    form: str, columns: set[str], is_conversational: bool, tmp_path: Path
) -> None:
    rows = rows_of(form, tmp_path)
    assert columns <= set(rows.column_names)
    assert [trl.data_utils.is_conversational(row) for row in rows] == [is_conversational] * len(rows)


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("trl-preference", "Reward"),
        ("trl-preference-plain", "Reward"),
        ("trl-preference", "DPO"),
        ("trl-preference-plain", "DPO"),
        ("trl-sft", "SFT"),
        ("chat-jsonl", "SFT"),
        ("trl-unpaired-preference", "KTO"),
    ],
)
def test_a_trainer_takes_a_step(form: str, name: str, tmp_path: Path) -> None:
    from examples.train_reward_model import config, tokenizer

    rows = rows_of(form, tmp_path)
    # Its words are those of the conversations, whatever shape the text itself comes in.
    words = tokenizer(rows_of("trl-preference", tmp_path))
    kind = "LlamaForSequenceClassification" if name == "Reward" else "LlamaForCausalLM"
    made = [getattr(transformers, kind)(config(words)) for _ in range(2 if name in ("DPO", "KTO") else 1)]
    settings = getattr(trl, f"{name}Config")(output_dir=str(tmp_path / "out"), **QUICK)
    trainer = getattr(trl, f"{name}Trainer")(*made, args=settings, train_dataset=rows, processing_class=words)
    before = [weights.detach().clone() for weights in trainer.model.parameters()]
    done = trainer.train()
    assert done.global_step == 1
    assert 0 < done.training_loss < 100
    moved = [bool((now != old).any()) for now, old in zip(trainer.model.parameters(), before, strict=True)]
    assert any(moved), "a step changes the model"


def test_the_example_trains_and_says_so(offline: dict[str, str], tmp_path: Path) -> None:
    """On a folder, too: the side that is not trained on is measured as well."""
    golden = (FORMATS / "trl-preference.jsonl").read_text(encoding="utf-8")
    for side in ("train", "test"):
        (tmp_path / f"{side}.jsonl").write_text(golden, encoding="utf-8")
    done = run(offline, "examples/train_reward_model.py", str(tmp_path), "--steps", "5")
    assert done.returncode == 0, done.stderr
    told = re.findall(r"(\w+), 2 pairs: loss ([\d.]+) before, ([\d.]+) after", done.stdout)
    assert [side for side, _, _ in told] == ["train", "test"]
    assert all(float(after) < float(before) for _, before, after in told)
    shown = re.search(r"```\n(105,088 parameters.*?)\n```", PAGE, re.DOTALL)
    assert shown, "the page shows what it prints"
    assert NUMBER.sub("", shown[1]) == NUMBER.sub("", done.stdout.strip().rpartition("\n")[0])


def test_an_example_that_learns_nothing_fails(offline: dict[str, str], tmp_path: Path) -> None:
    """Where the two completions are the same there is nothing to learn."""
    same = [json.loads(line) for line in (FORMATS / "trl-preference.jsonl").read_text("utf-8").splitlines()]
    lines = [json.dumps(row | {"rejected": row["chosen"]}) for row in same]
    (tmp_path / "validation.jsonl").write_text("\n".join(lines), encoding="utf-8")
    done = run(offline, "examples/train_reward_model.py", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "no train.jsonl" in done.stderr
    (tmp_path / "validation.jsonl").rename(tmp_path / "train.jsonl")
    done = run(offline, "examples/train_reward_model.py", str(tmp_path), "--steps", "2")
    assert done.returncode == 1
    assert "loss 0.693 before, 0.693 after" in done.stdout


def test_long_texts_are_cut_and_what_does_not_fit_is_counted(offline: dict[str, str], tmp_path: Path) -> None:
    def said(role: str, word: str, times: int) -> dict[str, str]:
        return {"role": role, "content": " ".join(f"{word}{number}" for number in range(times))}

    answers = {"chosen": [said("assistant", "calm", 800)], "rejected": [said("assistant", "rash", 800)]}
    long = {"prompt": [said("user", "why", 800)], **answers}
    endless = {"prompt": [said("user", "why", 1)] * 600, **answers}
    train = tmp_path / "train.jsonl"
    train.write_text("\n".join(map(json.dumps, (long, long, endless))), encoding="utf-8")
    done = run(offline, "examples/train_reward_model.py", str(tmp_path), "--steps", "3")
    assert done.returncode == 0, done.stderr
    assert "train, 2 pairs: loss" in done.stdout
    assert "train: 1 pairs left out, of more than 512 tokens" in done.stderr
    train.write_text(json.dumps(endless), encoding="utf-8")
    done = run(offline, "examples/train_reward_model.py", str(tmp_path), "--steps", "3")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no pair to train on has at most 512 tokens" in done.stderr


@pytest.mark.parametrize(("block", "shown"), BLOCKS, ids=["dpo", "grpo"])
def test_a_block_of_the_page_prints_what_stands_there(
    block: str, shown: str, offline: dict[str, str]
) -> None:
    """But for the figures, which vary with the library and the processor; they go the right way."""
    done = run(offline, "-c", block)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.strip().splitlines()[-1]
    assert NUMBER.sub("", printed) == NUMBER.sub("", shown)
    first, last = map(float, NUMBER.findall(printed))
    assert last > first if "reward" in printed else last < first


def run(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
    )
