"""The language model that later stages ask, over any server that speaks the OpenAI protocol.

`language_model` gives it, or None without a key; `ask` puts a prompt to many items, and every answer is kept
in `dft.llm_calls` as it arrives. An asset that asks stands in Dagster's pool `POOL`, and says

    model = language_model(workplace.settings, url, context.run_id)
    found = model.ask(read_prompt("same_value"), pairs, SameValue)

Without a key, `answers_from_before` answers from `dft.llm_calls` alone; `model.requests` gives what would be
asked.
"""

from resources.language_model.budget import OverBudget, Use
from resources.language_model.chat import Answered, Request, Unanswered
from resources.language_model.faults import ModelRefuses
from resources.language_model.model import (
    POOL,
    LanguageModel,
    NotEmbedded,
    answers_from_before,
    language_model,
)
from resources.language_model.prompts import Prompt, read_prompt

__all__ = [
    "POOL",
    "Answered",
    "LanguageModel",
    "ModelRefuses",
    "NotEmbedded",
    "OverBudget",
    "Prompt",
    "Request",
    "Unanswered",
    "Use",
    "answers_from_before",
    "language_model",
    "read_prompt",
]
