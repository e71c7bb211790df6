"""The project's settings: from the environment or a `.env`, typed and checked in this one place."""

import difflib
import os
import re
import secrets
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from zoneinfo import available_timezones

from dotenv import dotenv_values
from pydantic import Field, NonNegativeFloat, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from resources.problems import BadSettings

PREFIX = "DFT_"
KEY_FILE = "pseudonym.key"
# Whom to ask, and how much.
MODEL_FIELDS = {
    "openai_api_key",
    "openai_base_url",
    "chat_model",
    "chat_temperature",
    "chat_price",
    "embed_model",
    "max_run_tokens",
    "max_run_cost",
    "max_parallel_calls",
    "write_completions",
    "trust_judge",
}
# No user, password or query: what is secret goes into OPENAI_API_KEY.
WEB_SERVER = re.compile(r"https?://(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d{1,5})?(/[\w./~%-]*)?", re.ASCII)

LICENSE = r"^[A-Za-z0-9][A-Za-z0-9.+-]*$"  # an SPDX id, or a name of the Hugging Face Hub


class Price(NamedTuple):
    """US dollars per million tokens."""

    tokens_in: NonNegativeFloat
    tokens_out: NonNegativeFloat


class Settings(BaseSettings):
    """Where things are, and whom to ask.

    A field is the environment variable of its name behind `DFT_`, or of its alias: what many programs share.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(Path(".dft"), description="everything that the embedded default writes")
    database_url: str | None = Field(None, description="PostgreSQL; the embedded server where it is not set")
    source_url: str | None = Field(None, description="the app's database, where it is another; only read")
    lake: str | None = Field(None, description="where Parquet goes: a folder or an fsspec URL")
    participants: Path | None = Field(None, description="TOML file that says whose input counts")
    deduplication: Path | None = Field(None, description="TOML file that says when two cards are the same")
    pseudonym_key: str | None = Field(None, description="key of the participants' pseudonyms")
    publish_texts: bool = Field(True, description="whether comments and stories stand in snapshots")
    time_zone: str = Field("UTC", description="where it is 01:00 when the night begins; an IANA name")
    notify_url: SecretStr | None = Field(None, description="webhook that is told of failed nights")
    openai_api_key: SecretStr | None = Field(
        None, validation_alias="OPENAI_API_KEY", description="key of the model server; without: offline"
    )
    openai_base_url: str | None = Field(
        None, validation_alias="OPENAI_BASE_URL", description="any server that speaks the OpenAI protocol"
    )
    keep_daily: int | None = Field(
        None, ge=1, description="days whose snapshots are all kept, before one a week is; none: all for ever"
    )
    chat_model: str = Field("gpt-4.1-mini-2025-04-14", description="the model that is asked")
    chat_temperature: float | None = Field(0.0, ge=0, le=2, description="`none` for a model that takes none")
    chat_price: Annotated[Price | None, NoDecode] = Field(
        None, description="IN/OUT, US dollars per million tokens"
    )
    embed_model: str = Field("wordllama", description="`wordllama` is offline; else a model of the server")
    write_completions: bool = Field(False, description="whether the chat model writes completions; it costs")
    trust_judge: bool = Field(False, description="whether its scores make pairs without people agreeing")
    max_run_tokens: int = Field(5_000_000, ge=0, description="most tokens that a run may use, in and out")
    max_run_cost: float = Field(10.0, ge=0, description="most US dollars that a run may cost, where known")
    max_parallel_calls: int = Field(8, ge=1, le=256, description="calls to the model server at a time")
    license: str | None = Field(
        None, pattern=LICENSE, description="licence of data sets that are published; no default"
    )
    consent_basis: str | None = Field(
        None,
        description="what participants agreed to, in words, for data sets that are published; no default",
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        known = available_timezones()
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0)
            raise ValueError(f"there is no time zone {name!r}; did you mean {near[0]}?")
        return name

    @field_validator("notify_url")
    @classmethod
    def _web_address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("it should begin with https:// or http://")
        return url

    @field_validator("openai_api_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        # What does not fit would be refused by the HTTP library, in a message that repeats it.
        shown = "" if key is None else key.get_secret_value().strip()
        if not all("!" <= letter <= "~" for letter in shown):
            raise ValueError("it should be of visible ASCII characters")
        return SecretStr(shown) if shown else None

    @field_validator("openai_base_url")
    @classmethod
    def _server_without_secrets(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not WEB_SERVER.fullmatch(url):
            raise ValueError("it should look like https://server/v1")
        return url

    @field_validator("chat_temperature", mode="before")
    @classmethod
    def _none_is_none(cls, temperature: object) -> object:
        return None if temperature == "none" else temperature

    @field_validator("chat_price", mode="before")
    @classmethod
    def _in_and_out(cls, price: object) -> object:
        if not isinstance(price, str):
            return price
        parts = price.split("/")
        if len(parts) != 2:
            raise ValueError("it should look like 0.40/1.60: IN/OUT, US dollars per million tokens")
        return parts

    @cached_property
    def lake_url(self) -> str:
        """The lake; a folder as an absolute path, so that every process means the same one."""
        if self.lake is None:
            return str(self.home_folder / "lake")
        return self.lake if "://" in self.lake else str(Path(self.lake).expanduser().absolute())

    @property
    def docs_folder(self) -> Path:
        """Where each build's verdicts on its gates are kept as pages, by day."""
        return self.home_folder / "data-docs"

    @cached_property
    def home_folder(self) -> Path:
        return self.home.expanduser().absolute()

    def model_environment(self) -> dict[str, str]:
        """The settings of the language model as variables, for processes that read no `.env` of ours."""
        said = {_named(field): self._as_said(field) for field in self.model_fields_set & MODEL_FIELDS}
        return {name: value for name, value in said.items() if value is not None}

    def _as_said(self, field: str) -> str | None:
        value = getattr(self, field)
        if isinstance(value, SecretStr):
            return value.get_secret_value()
        if isinstance(value, Price):
            return f"{value.tokens_in}/{value.tokens_out}"
        if value is None:
            return "none" if field == "chat_temperature" else None
        return str(value)

    def key(self) -> bytes:
        """The pseudonym key; made once under the home where the environment has none."""
        if self.pseudonym_key:
            return self.pseudonym_key.encode()
        path = self.home_folder / KEY_FILE
        if not path.exists():
            _write_once(path, secrets.token_hex(32))
        return path.read_text(encoding="ascii").strip().encode()


def settings(**instead: Any) -> Settings:
    """The settings as the environment has them now, but for those given. Raises BadSettings."""
    try:
        _refuse_unknown()
        return Settings(**instead)
    except UnicodeDecodeError:
        raise BadSettings("the file .env is no UTF-8 text") from None
    except ValidationError as error:
        troubles = (f"{_named(str(one['loc'][0]))}: {_said(one)}" for one in error.errors())
        raise BadSettings("; ".join(troubles)) from None


def _named(place: str) -> str:
    """The variable of a field; pydantic calls one with an alias by that, which is the variable."""
    field = Settings.model_fields.get(place)
    if field is None:
        return place
    return str(field.validation_alias or PREFIX + place.upper())


def _said(error: Mapping[str, Any]) -> str:
    return str(error["msg"]).removeprefix("Value error, ")


def _refuse_unknown() -> None:
    known = [name for name in map(_named, Settings.model_fields) if name.startswith(PREFIX)]
    for name in sorted({*os.environ, *dotenv_values(".env")}):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0)
            raise BadSettings(f"{name} is no setting; did you mean {near[0]}?")


def _write_once(path: Path, content: str) -> None:
    """Writes a file that only its owner can read; another process may have been faster, whose file stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
