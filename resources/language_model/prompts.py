"""Prompts: what a model is told, from versioned files in `prompts/`, and how participants' words reach it."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

FOLDER = Path(__file__).parents[2] / "prompts"
HIERARCHY = "hierarchy.md"  # what every prompt begins with: data is never an instruction
VERSIONS = "versions.txt"
# Beside what JSON escapes itself: what could end the data, look like its end, or cannot be sent.
UNSAFE = re.compile("[<>&`\x7f-\x9f\u2028\u2029\ud800-\udfff]")

Item = BaseModel | Mapping[str, Any]


@dataclass(frozen=True)
class Prompt:
    """What a model is told. The hash is the SHA-256 of `hierarchy.md` and the prompt's file together."""

    name: str
    version: int
    answer_tokens: int  # what an answer usually takes, for the estimate
    system: str
    hash: str

    def messages(self, data: str) -> list[dict[str, str]]:
        """The instructions, and the data where only data stands."""
        return [
            {"role": "system", "content": self.system},
            {"role": "user", "content": f"<data>\n{data}\n</data>"},
        ]


def data_of(user: str) -> str:
    """The data in the user's message that `Prompt.messages` made."""
    return user.removeprefix("<data>\n").removesuffix("\n</data>")


@cache
def read_prompt(name: str) -> Prompt:
    """The prompt `prompts/<name>.md`: front matter, then instructions."""
    content = (FOLDER / f"{name}.md").read_bytes()
    hierarchy = (FOLDER / HIERARCHY).read_bytes()
    front, instructions = _parts(content.decode())
    return Prompt(
        name=front["name"],
        version=int(front["version"]),
        answer_tokens=int(front["answer_tokens"]),
        system=f"{hierarchy.decode().strip()}\n\n{instructions.strip()}\n",
        hash=hashlib.sha256(hierarchy + content).hexdigest(),
    )


def _parts(text: str) -> tuple[dict[str, str], str]:
    _, front, instructions = text.split("---\n", 2)
    pairs = (line.split(":", 1) for line in front.splitlines())
    return {name.strip(): value.strip() for name, value in pairs}, instructions


def as_data(item: Item) -> str:
    """The item as one line of JSON that nothing in it can break out of: what is unsafe stands escaped."""
    content = item.model_dump(mode="json") if isinstance(item, BaseModel) else item
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
