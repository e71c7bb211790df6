"""Settings: from the environment and a `.env`, names checked, a key that is made once."""

import os
import stat
from pathlib import Path

import pytest

from resources.problems import BadSettings
from resources.settings import KEY_FILE, settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and an environment in which nothing is set."""
    for name in list(os.environ):
        if name.upper().startswith(("DFT_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_settings_everything_is_under_the_working_folder(folder: Path) -> None:
    found = settings()
    assert found.home_folder == folder / ".dft"
    assert found.lake_url == str(folder / ".dft" / "lake")
    assert (found.database_url, found.source_url, found.pseudonym_key) == (None, None, None)


def test_reading_settings_writes_nothing(folder: Path) -> None:
    assert settings().lake_url
    assert list(folder.iterdir()) == []


def test_the_environment_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "DFT_HOME": "/srv/dft",
        "DFT_DATABASE_URL": "postgresql://here/dft",
        "DFT_SOURCE_URL": "postgresql://there/app",
        "DFT_LAKE": "s3://bucket/prefix",
        "DFT_PSEUDONYM_KEY": "secret",
    }
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    found = settings()
    assert str(found.home_folder) == "/srv/dft"
    assert found.database_url == "postgresql://here/dft"
    assert found.source_url == "postgresql://there/app"
    assert found.lake_url == "s3://bucket/prefix"
    assert found.key() == b"secret"


def test_an_env_file_says_it_and_the_environment_has_the_last_word(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("# ours\nDFT_HOME=/from/file\nDFT_LAKE='/lake/from file'\nOTHER=1\n")
    monkeypatch.setenv("DFT_HOME", "/from/environment")
    found = settings()
    assert str(found.home_folder) == "/from/environment"
    assert found.lake_url == "/lake/from file"


def test_a_home_is_relative_to_the_working_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFT_HOME", "a/b")
    found = settings()
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("DFT_HOME", "~/dft")
    assert found.home_folder == folder / "a" / "b"
    assert found.lake_url == str(folder / "a" / "b" / "lake")
    assert str(settings().home_folder) == "/home/somebody/dft"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("DFT_LAEK", "DFT_LAKE"),
        ("DFT_DATABASE", "DFT_DATABASE_URL"),
        ("DFT_SORUCE_URL", "DFT_SOURCE_URL"),
        ("DFT_PSEUDONYMKEY", "DFT_PSEUDONYM_KEY"),
        ("DFT_CHATMODEL", "DFT_CHAT_MODEL"),
        ("dft_hom", "DFT_HOME"),
    ],
)
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_an_unknown_name_is_refused_with_the_nearest(
    name: str, near: str, place: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == ".env":
        (folder / ".env").write_text(f"{name}=1\n")
    else:
        monkeypatch.setenv(name, "1")
    with pytest.raises(BadSettings) as refused:
        settings()
    assert str(refused.value) == f"{name} is no setting; did you mean {near}?"


def test_a_name_like_none_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFT_ZZZZ", "")
    with pytest.raises(BadSettings, match="DFT_ZZZZ is no setting; did you mean DFT_"):
        settings()


@pytest.mark.parametrize(
    "name", ["DFT_CHAT_MODEL", "DFT_EMBED_MODEL", "OPENAI_API_KEY", "OPENAI_ORG_ID", "XDFT_HOME"]
)
def test_other_known_names_and_foreign_ones_are_no_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "x")
    assert settings().database_url is None


def test_settings_stay_as_they_were_read() -> None:
    found = settings()
    with pytest.raises(ValueError, match="frozen"):
        found.home = Path("/elsewhere")


def test_the_key_is_made_once_for_its_owner_alone(folder: Path) -> None:
    before = os.umask(0)
    try:
        key = settings().key()
    finally:
        os.umask(before)
    path = folder / ".dft" / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert bytes.fromhex(key.decode()) and len(key) == 64  # noqa: PT018
    assert path.read_bytes() == key
    assert settings().key() == key
    assert [file.name for file in path.parent.iterdir()] == [KEY_FILE]


def test_another_home_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    key = settings().key()
    monkeypatch.setenv("DFT_HOME", "other")
    assert settings().key() != key


def test_who_was_faster_has_made_the_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / ".dft" / KEY_FILE

    def meanwhile(source: Path, target: Path) -> None:
        path.write_text("theirs")
        raise FileExistsError

    monkeypatch.setattr(os, "link", meanwhile)
    assert settings().key() == b"theirs"
    assert [file.name for file in path.parent.iterdir()] == [KEY_FILE], "no draft is left"


def test_a_key_from_the_environment_leaves_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFT_PSEUDONYM_KEY", "ours")
    assert settings().key() == b"ours"
    assert list(folder.iterdir()) == []


def test_a_lake_in_a_folder_is_relative_to_the_working_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DFT_LAKE", "data/lake")
    assert settings().lake_url == str(folder / "data" / "lake")


def test_an_empty_value_is_none(folder: Path) -> None:
    (folder / ".env").write_text("DFT_DATABASE_URL=\nDFT_SOURCE_URL=\nDFT_LAKE=\n")
    found = settings()
    assert (found.database_url, found.source_url) == (None, None)


def test_an_env_file_that_is_no_text_is_refused_by_name(folder: Path) -> None:
    (folder / ".env").write_bytes(b"DFT_LAKE=/caf\xe9\n")
    with pytest.raises(BadSettings, match=r"\.env"):
        settings()


def test_the_time_zone_is_one_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings().time_zone == "UTC"
    monkeypatch.setenv("DFT_TIME_ZONE", "Pacific/Auckland")
    assert settings().time_zone == "Pacific/Auckland"
    for name in ("Europe/Berln", "../../etc/passwd", "America"):
        monkeypatch.setenv("DFT_TIME_ZONE", name)
        with pytest.raises(BadSettings, match=r"^DFT_TIME_ZONE: there is no time zone '.*'; did you mean "):
            settings()


def test_a_webhook_is_a_web_address_and_is_repeated_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFT_NOTIFY_URL", "file:///s3cret")
    with pytest.raises(BadSettings) as refused:
        settings()
    assert str(refused.value) == "DFT_NOTIFY_URL: it should begin with https:// or http://"
    monkeypatch.setenv("DFT_NOTIFY_URL", "https://example.org/s3cret")
    assert "s3cret" not in repr(settings())


def test_the_key_of_the_model_server_is_repeated_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " sk-s3cret\n")
    found = settings()
    assert found.openai_api_key is not None
    assert found.openai_api_key.get_secret_value() == "sk-s3cret"
    assert "s3cret" not in repr(found)
    monkeypatch.setenv("OPENAI_API_KEY", "sk–s3cret")
    with pytest.raises(BadSettings) as refused:
        settings()
    assert str(refused.value) == "OPENAI_API_KEY: it should be of visible ASCII characters"
    monkeypatch.setenv("OPENAI_API_KEY", " ")
    assert settings().openai_api_key is None


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("OPENAI_BASE_URL", "localhost:8000", "it should look like https://server/v1"),
        ("OPENAI_BASE_URL", "https://me:s3cret@here/v1", "it should look like https://server/v1"),
        ("OPENAI_BASE_URL", "https://here/v1?key=s3cret", "it should look like https://server/v1"),
        ("OPENAI_BASE_URL", "http://[s3cret", "it should look like https://server/v1"),
        ("DFT_CHAT_PRICE", "0.4", "it should look like 0.40/1.60"),
        ("DFT_CHAT_PRICE", "-1/2", "Input should be greater than or equal to 0"),
        ("DFT_CHAT_TEMPERATURE", "hot", "Input should be a valid number"),
        ("DFT_MAX_RUN_TOKENS", "-1", "Input should be greater than or equal to 0"),
        ("DFT_MAX_RUN_COST", "nan", "Input should be greater than or equal to 0"),
        ("DFT_MAX_PARALLEL_CALLS", "0", "Input should be greater than or equal to 1"),
    ],
)
def test_settings_of_the_model_are_checked(
    name: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as refused:
        settings()
    assert str(refused.value).startswith(f"{name}: {why}")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:8000/v1", "https://api.openai.com/v1/", "http://[::1]:80", "https://a.b-c_d"]
)
def test_addresses_of_model_servers(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    assert settings().openai_base_url == url


def test_processes_that_are_started_are_told_of_the_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings().model_environment() == {}
    said = {
        "OPENAI_API_KEY": "sk-1",
        "OPENAI_BASE_URL": "http://here/v1",
        "DFT_CHAT_MODEL": "ours",
        "DFT_CHAT_TEMPERATURE": "none",
        "DFT_CHAT_PRICE": "0.4/1.6",
        "DFT_MAX_RUN_TOKENS": "100",
    }
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in said.items()))
    found = settings()
    assert found.model_environment() == said
    (folder / ".env").unlink()
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert settings() == found
