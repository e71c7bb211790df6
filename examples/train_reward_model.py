"""Trains a small reward model on preference pairs with TRL's RewardTrainer, and says whether its loss falls.

    python examples/train_reward_model.py FOLDER   # of: dft export dataset --format trl-preference
    python examples/train_reward_model.py docs/formats/trl-preference.jsonl

It shows that the export is what the trainer takes, and no more: the model has random weights and a hundred
thousand parameters, its tokenizer is made of the export's own words, and it runs on a processor in seconds.
Nothing is downloaded. Needs the optional dependencies `train`. Long
texts are cut to fit. Exit code 1: the loss did not fall, or no pair fits.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before the libraries are imported, which read it then

from datasets import Dataset, disable_progress_bars, load_dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
    PrinterCallback,
    set_seed,
)
from trl import RewardConfig, RewardTrainer

PAD, END = "<pad>", "<end>"
# As short as a template can be: who speaks, what they say, and that they have ended.
TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}>{{ message.content }}" + END + "{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
ROLES = ["<system>", "<user>", "<assistant>"]
MOST_TOKENS = 512  # of a prompt and an answer together
SPARE = 8  # tokens of a message: who speaks, its end, and a few that a cut may split
SIDES = ("train", "validation", "test")


def files(source: Path) -> dict[str, str]:
    """The export's files by side; a single file is trained on."""
    if source.is_file():
        return {"train": str(source)}
    return {side: str(path) for side in SIDES if (path := source / f"{side}.jsonl").is_file()}


def texts(rows: Dataset) -> Iterator[str]:
    """Everything that anybody says in the rows."""
    for row in rows:
        for column in ("prompt", "chosen", "rejected", "completion"):
            yield from (message["content"] for message in row.get(column, ()))


def tokenizer(rows: Dataset) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of the rows' own words: no text is unknown to it."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts(rows),
        trainers.BpeTrainer(
            vocab_size=1_000, special_tokens=[PAD, END, *ROLES], initial_alphabet=letters, show_progress=False
        ),
    )
    wrapped = PreTrainedTokenizerFast(tokenizer_object=made, pad_token=PAD, eos_token=END)
    wrapped.chat_template = TEMPLATE
    return wrapped


def fitting(rows: Dataset, words: PreTrainedTokenizerFast) -> Dataset:
    """The rows with their texts cut to fit: half of the tokens for the prompt's messages, half for an answer.

    Those that are too long all the same, by the number of their messages, are left out, as the trainer would.
    """

    def cut(messages: list[dict[str, str]]) -> list[dict[str, str]]:
        most = MOST_TOKENS // 2 // max(len(messages), 1) - SPARE
        return [message | {"content": first(message["content"], most)} for message in messages]

    def first(text: str, most: int) -> str:
        ends = words(text, return_offsets_mapping=True, add_special_tokens=False)["offset_mapping"]
        return text if len(ends) <= most else text[: ends[max(most, 1) - 1][1]]

    def fits(row: Mapping[str, list[dict[str, str]]]) -> bool:
        said = (row.get("prompt", []) + row[side] for side in ("chosen", "rejected"))
        return all(
            len(words(words.apply_chat_template(one, tokenize=False)).input_ids) <= MOST_TOKENS
            for one in said
        )

    columns = [column for column in ("prompt", "chosen", "rejected") if column in rows.column_names]
    return rows.map(lambda row: {column: cut(row[column]) for column in columns}).filter(fits)


def config(words: PreTrainedTokenizerFast) -> LlamaConfig:
    """Two layers, small enough for a processor; with one label, which is the reward."""
    return LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=MOST_TOKENS,
        num_labels=1,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
    )


def trainer_of(rows: Dataset, words: PreTrainedTokenizerFast, steps: int, folder: str) -> RewardTrainer:
    """A trainer that is to take so many steps of eight pairs."""
    settings = RewardConfig(
        output_dir=folder,
        max_steps=steps,
        per_device_train_batch_size=8,
        learning_rate=1e-3,
        max_length=MOST_TOKENS,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        bf16=False,
        seed=0,
    )
    model = LlamaForSequenceClassification(config(words))
    trainer = RewardTrainer(model, args=settings, train_dataset=rows, processing_class=words)
    trainer.remove_callback(PrinterCallback)
    return trainer


def measured(trainer: RewardTrainer, sides: Mapping[str, Dataset]) -> dict[str, tuple[float, float]]:
    """By side: the loss, and how often the chosen one of a pair has the higher reward."""
    told = {side: trainer.evaluate(rows) for side, rows in sides.items()}
    return {side: (one["eval_loss"], one["eval_accuracy"]) for side, one in told.items()}


def main() -> int:
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("export", type=Path, help="a folder or file of the format trl-preference")
    asked.add_argument("--steps", type=int, default=30)
    chosen = asked.parse_args()
    found = files(chosen.export)
    if "train" not in found:
        print(f"{chosen.export} has no train.jsonl: no pair is on the side to train on", file=sys.stderr)
        return 1
    set_seed(0)
    disable_progress_bars()
    with tempfile.TemporaryDirectory() as folder:
        sides = {
            side: load_dataset("json", data_files=path, split="train", cache_dir=f"{folder}/cache")
            for side, path in found.items()
        }
        words = tokenizer(sides["train"])
        kept = {side: fitting(rows, words) for side, rows in sides.items()}
        for side in sides:
            if left := len(sides[side]) - len(kept[side]):
                print(f"{side}: {left} pairs left out, of more than {MOST_TOKENS} tokens", file=sys.stderr)
        if not len(kept["train"]):
            print(f"no pair to train on has at most {MOST_TOKENS} tokens", file=sys.stderr)
            return 1
        sides = {side: rows for side, rows in kept.items() if len(rows)}
        trainer = trainer_of(sides["train"], words, chosen.steps, folder)
        before = measured(trainer, sides)
        trainer.train()
        after = measured(trainer, sides)
        print(f"{sum(one.numel() for one in trainer.model.parameters()):,} parameters, {chosen.steps} steps")
        for side, rows in sides.items():
            (loss, right), (loss_now, right_now) = before[side], after[side]
            print(f"{side}, {len(rows)} pairs: loss {loss:.3f} before, {loss_now:.3f} after; ", end="")
            print(f"the chosen one has the higher reward in {right:.0%} before, {right_now:.0%} after")
    return 0 if after["train"][0] < before["train"][0] else 1


if __name__ == "__main__":
    sys.exit(main())
