"""The names of the formats, apart from what makes them, so that the command line starts quickly."""

from enum import StrEnum


class DatasetFormat(StrEnum):
    """What a trainer reads; `formats.FORMATS` says what each is."""

    REWARD = "reward"
    RUBRIC = "rubric"
    TRL_PREFERENCE = "trl-preference"
    TRL_PREFERENCE_PLAIN = "trl-preference-plain"
    TRL_UNPAIRED_PREFERENCE = "trl-unpaired-preference"
    TRL_SFT = "trl-sft"
    CHAT_JSONL = "chat-jsonl"
    VALUE_CHOICE = "value-choice"
    HF = "hf"
