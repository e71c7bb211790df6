"""The project's settings: from the environment or a `.env`, typed and checked in this one place."""

import difflib
import os
import secrets
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from resources.problems import BadSettings

PREFIX = "DFT_"
KEY_FILE = "pseudonym.key"
# Names of parts that are not there yet; an environment that has them already is not in error.
RESERVED = ("DFT_CHAT_MODEL", "DFT_EMBED_MODEL")


class Settings(BaseSettings):
    """Where things are. Every field is the environment variable of its name, behind `DFT_`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(Path(".dft"), description="everything that the embedded default writes")
    database_url: str | None = Field(None, description="PostgreSQL; the embedded server where it is not set")
    source_url: str | None = Field(None, description="the app's database, where it is another; only read")
    lake: str | None = Field(None, description="where Parquet goes: a folder or an fsspec URL")
    participants: Path | None = Field(None, description="TOML file that says whose input counts")
    pseudonym_key: str | None = Field(None, description="key of the participants' pseudonyms")
    time_zone: str = Field("UTC", description="where it is 01:00 when the night begins; an IANA name")
    notify_url: SecretStr | None = Field(None, description="webhook that is told of failed nights")

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
        troubles = (f"{PREFIX}{str(one['loc'][0]).upper()}: {_said(one)}" for one in error.errors())
        raise BadSettings("; ".join(troubles)) from None


def _said(error: Mapping[str, Any]) -> str:
    return str(error["msg"]).removeprefix("Value error, ")


def _refuse_unknown() -> None:
    known = [*(PREFIX + name.upper() for name in Settings.model_fields), *RESERVED]
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
