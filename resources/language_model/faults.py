"""What can go wrong with a call, in one line each: whether to try again, and when.

Nothing that a server or a model wrote is repeated, but for the protocol's own codes: it may hold a
participant's words, or the key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

import openai
from pydantic import ValidationError

from resources.problems import Problem

Kind = Literal["unavailable", "malformed", "too_long", "refused", "rejected", "budget", "not_asked"]

LONGEST_WAIT_S = 120.0
QUOTA = "insufficient_quota"  # a 429 that no waiting mends
CODES = {
    "content_policy_violation",
    "context_length_exceeded",
    "input",
    "invalid_api_key",
    "invalid_value",
    "max_completion_tokens",
    "messages",
    "model",
    "model_not_found",
    "rate_limit_exceeded",
    "response_format",
    "string_above_max_length",
    "temperature",
    "unsupported_parameter",
    "unsupported_value",
    QUOTA,
}


class ModelRefuses(Problem):
    """The model server will refuse every call: the key, the model's name or the account is not right."""


@dataclass
class Fault(Exception):
    """A call, or what came of it, that is not an answer; `why` is for whoever runs the project."""

    kind: Kind
    why: str
    again: bool = False  # whether the next attempt may do better
    wait_s: float | None = None  # what the server asked for

    def __str__(self) -> str:
        return self.why


def fault(error: Exception, server: str) -> Fault:
    """What an error of the client means. Raises ModelRefuses where it means the same for every call."""
    if isinstance(error, openai.APIStatusError):
        return _by_status(error, server)
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return Fault("unavailable", f"the model server at {server} did not answer in time", again=True)
    if isinstance(error, openai.APIConnectionError):
        return Fault("unavailable", f"the connection to the model server at {server} failed", again=True)
    raise error


def _by_status(error: openai.APIStatusError, server: str) -> Fault:
    status = error.status_code
    said = f"status {status}{_codes(error)}"
    if status in (401, 403):
        raise ModelRefuses(f"the model server at {server} refuses OPENAI_API_KEY: {said}") from None
    if status == 404:
        unknown = "does not know the model (DFT_CHAT_MODEL, DFT_EMBED_MODEL) or the address (OPENAI_BASE_URL)"
        raise ModelRefuses(f"the model server at {server} {unknown}: {said}") from None
    if QUOTA in (error.code, error.type):
        raise ModelRefuses(f"the account at {server} has no quota left: {said}") from None
    if status >= 500 or status in (408, 409, 429):
        wait_s = asked_wait(error.response.headers)
        return Fault("unavailable", f"the model server at {server} is not able to: {said}", True, wait_s)
    return Fault("rejected", f"the model server at {server} does not take the question: {said}")


def _codes(error: openai.APIStatusError) -> str:
    codes = [code for code in (error.code, error.param) if code in CODES]
    return f" ({', '.join(codes)})" if codes else ""


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds that a server asks to wait: as a number, or as a date against its own clock; 0 to 120."""
    said = headers.get("retry-after")
    if said is None:
        return None
    try:
        wait_s = float(said)
    except ValueError:
        wait_s = _until(said, headers.get("date", ""))
    return min(max(wait_s, 0.0), LONGEST_WAIT_S) if wait_s == wait_s else None


def _until(then: str, now: str) -> float:
    try:
        return (parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds()
    except (TypeError, ValueError):
        return float("nan")


def malformed(error: ValidationError) -> Fault:
    """An answer that is not one: where it fails and by which rule, without what it says."""
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return Fault("malformed", "the answer is no JSON, or was cut short", again=True)
    # The name of a further field is the model's words, not ours.
    loc = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
    place = ".".join(map(str, loc))
    rule = first["msg"].removeprefix("Value error, ")
    why = f"{place}: {rule}" if place else rule
    return Fault("malformed", f"the answer is not possible: {why}", again=True)
