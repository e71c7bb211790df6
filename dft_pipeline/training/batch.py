"""OpenAI's batch format: requests as a file of lines, and what a line of answers says.

Source of the format and its limits: https://platform.openai.com/docs/guides/batch.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import polars as pl

URL = "/v1/chat/completions"
MOST_REQUESTS = 50_000  # of a batch
MOST_BYTES = 200_000_000
OK = 200


def batch_files(requests: pl.DataFrame) -> list[bytes]:
    """Requests, columns of `completion_requests`, as lines by request_id, in as many files as it takes."""
    rows = requests.sort("request_id").select("request_id", "request").iter_rows()
    files, size = [list[bytes]()], 0
    for line in (_line(request_id, request) for request_id, request in rows):
        if files[-1] and (len(files[-1]) == MOST_REQUESTS or size + len(line) > MOST_BYTES):
            files.append([])
            size = 0
        files[-1].append(line)
        size += len(line)
    return [b"".join(lines) for lines in files]


def names(name: str, count: int) -> list[str]:
    """The names of so many files: the first as it is, the others numbered from 2 before the ending."""
    stem, dot, ending = name.rpartition(".")
    further = (
        f"{stem}-{number}{dot}{ending}" if stem else f"{name}-{number}" for number in range(2, count + 1)
    )
    return [name, *further]


def counts(requests: pl.DataFrame) -> str:
    """How many there are of each prompt, in words."""
    of_prompts = requests.group_by("prompt_name").len().sort("prompt_name").iter_rows()
    said = ", ".join(f"{number} `{name}`" for name, number in of_prompts)
    return f": {said}" if said else ""


def _line(request_id: str, request: str) -> bytes:
    line = {"custom_id": request_id, "method": "POST", "url": URL, "body": json.loads(request)}
    return f"{json.dumps(line, ensure_ascii=False, separators=(',', ':'))}\n".encode()


class Line(NamedTuple):
    """A line of answers: the question's hash, and the body of a reply as JSON, or the rule that it breaks."""

    request_id: str | None
    body: str | None
    rule: Literal["wrong_type", "missing_key", "failed"] | None = None
    value: str | None = None


def read_line(record: object) -> Line:
    """What a line says."""
    if not isinstance(record, Mapping):
        return Line(None, None, "wrong_type")
    request_id = record.get("custom_id")
    if not isinstance(request_id, str) or not request_id:
        return Line(None, None, "missing_key")
    response: Any = record.get("response")
    if not isinstance(response, Mapping):
        return Line(request_id, None, "failed", "no response")
    status = response.get("status_code")
    if status != OK or isinstance(status, bool):
        known = isinstance(status, int) and not isinstance(status, bool)
        return Line(request_id, None, "failed", f"status {status}" if known else "no status")
    return Line(request_id, json.dumps(response.get("body")))
