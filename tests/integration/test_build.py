"""The nightly job through `dft build`: same bytes whatever happened before, and whole files only."""

import hashlib
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import psycopg
import pytest

from dft_pipeline.tables import TABLES
from resources.lake import Lake
from tests.conftest import Dft, deliberating

DAY = date(2024, 1, 14)
EARLIER = date(2024, 1, 10)
KEY = {"DFT_PSEUDONYM_KEY": "a key for tests"}


@pytest.fixture(scope="module")
def loaded(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dft]:
    """`dft` on a database that holds a small synthetic deliberation."""
    with deliberating(server, tmp_path_factory.mktemp("build"), **KEY) as dft:
        yield dft


@pytest.fixture(scope="module")
def undisturbed(loaded: Dft) -> dict[str, str]:
    """The hashes of a snapshot that was built in one go, and of the raw files."""
    _build(loaded, "undisturbed")
    return _hashes(loaded.folder / "undisturbed")


def _build(
    dft: Dft, lake: str, *words: object, day: date = DAY, expected: int = 0, **environment: str
) -> str:
    done = dft("build", "--as-of", day, *words, DFT_LAKE=str(dft.folder / lake), **KEY, **environment)
    assert done.returncode == expected, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    return done.stderr


def _hashes(lake: Path) -> dict[str, str]:
    """Every file of a lake with its hash, but what is hidden, and what tells how it all came about."""
    files = [path for path in sorted(lake.rglob("*")) if path.is_file()]
    named = {str(path.relative_to(lake)): path for path in files}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in named.items()
        if not name.startswith((".staging", "log/", "changes/"))
    }


def test_a_second_build_writes_the_same_bytes(loaded: Dft, undisturbed: dict[str, str]) -> None:
    """Nor does it matter how many threads there are: the first build had one."""
    _build(loaded, "undisturbed", POLARS_MAX_THREADS="4", OPENBLAS_NUM_THREADS="4")
    assert _hashes(loaded.folder / "undisturbed") == undisturbed
    assert len([path for path in undisturbed if f"as_of={DAY}" in path]) == len(TABLES) + 1, (
        "and the manifest"
    )


def test_the_order_of_backfills_changes_nothing(loaded: Dft, undisturbed: dict[str, str]) -> None:
    for day in (EARLIER, DAY):
        _build(loaded, "forwards", day=day)
    shutil.copytree(loaded.folder / "undisturbed", loaded.folder / "backwards")
    _build(loaded, "backwards", day=EARLIER)
    assert _hashes(loaded.folder / "forwards") == _hashes(loaded.folder / "backwards")
    assert undisturbed.items() <= _hashes(loaded.folder / "forwards").items()


@pytest.mark.parametrize(
    "moment",
    [
        ".staging/as_of=2024-01-14/reward_rows",
        "canonical_values/as_of=2024-01-14",
    ],
)
def test_a_killed_build_is_completed_by_the_next(
    loaded: Dft, undisturbed: dict[str, str], moment: str
) -> None:
    lake = loaded.folder / moment.replace("/", "-")
    process = loaded.start("build", "--as-of", DAY, DFT_LAKE=str(lake), **KEY)
    while not (lake / moment).exists() and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was killed before its end"
    assert not (lake / f"manifests/as_of={DAY}.json").exists(), "nothing calls itself a snapshot yet"
    _build(loaded, lake.name)
    assert _hashes(lake) == undisturbed


def test_no_reader_ever_sees_a_half_written_file(loaded: Dft) -> None:
    lake, broken, seen = loaded.folder / "watched", [], set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for path in lake.glob("[a-z]*/**/*.parquet"):
                try:
                    pl.read_parquet(path)
                    seen.add(path)
                except FileNotFoundError:
                    continue
                except Exception as error:
                    broken.append((path, error))
            time.sleep(0.05)

    reader = threading.Thread(target=watch)
    reader.start()
    try:
        _build(loaded, "watched")
        _build(loaded, "watched", "--h", "0", "--replace")
    finally:
        done.set()
        reader.join()
    assert not broken
    assert len(seen) > 15


def test_a_failed_check_leaves_the_last_good_snapshot(loaded: Dft) -> None:
    before_all = date(2023, 12, 31)
    _build(loaded, "blocked", day=EARLIER)
    before = _hashes(loaded.folder / "blocked")
    said = _build(loaded, "blocked", day=before_all, expected=1)
    assert "reward_rows: not_empty" in said
    assert "0 rows" in said
    assert "last good snapshot stays as it was" in said
    assert _hashes(loaded.folder / "blocked") == before
    assert Lake(str(loaded.folder / "blocked")).days() == [EARLIER]
    _build(loaded, "blocked", "--select", "manifest", day=before_all, expected=2)


@pytest.mark.usefixtures("undisturbed")
def test_other_settings_need_replace(loaded: Dft) -> None:
    shutil.copytree(loaded.folder / "undisturbed", loaded.folder / "settings")
    said = _build(loaded, "settings", "--policy", "published-2023", expected=2)
    assert "add --replace" in said
    _build(loaded, "settings", "--policy", "published-2023", "--replace")
    manifest = Lake(str(loaded.folder / "settings")).manifest(DAY)
    assert manifest is not None
    assert manifest["policy"] == "published-2023"


@pytest.mark.usefixtures("undisturbed")
def test_another_pseudonym_key_needs_replace(loaded: Dft) -> None:
    lake = {"DFT_LAKE": str(loaded.folder / "undisturbed"), "DFT_PSEUDONYM_KEY": "another key"}
    done = loaded("build", "--as-of", DAY, **lake)
    assert done.returncode == 2
    assert "another pseudonym key" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--as-of", "2999-01-01"), "has not ended"),
        (("--as-of", "2022-12-31"), "is before 2023-01-01"),
        (("--as-of", "soon"), "is no day"),
        (("--as-of", DAY, "--policy", "kind"), "no policy is called 'kind'"),
        (("--as-of", DAY, "--h", "-1"), "h is a whole number"),
        (("--as-of", DAY, "--dedup", "magic"), "no deduplication is called 'magic'"),
        (("--as-of", DAY, "--select", "moral_grap"), "no asset is called moral_grap"),
    ],
)
def test_wrong_usage_says_what_is_wrong(loaded: Dft, words: tuple[object, ...], said: str) -> None:
    done = loaded("build", *words, DFT_LAKE=str(loaded.folder / "usage"), **KEY)
    assert done.returncode == 2
    assert said in done.stderr


def test_support_is_not_carried_along_loops(loaded: Dft) -> None:
    said = _build(loaded, "loops", "--policy", "published-2023", "--h", "1", expected=1)
    assert "a graph with a loop" in said


def test_an_edited_row_makes_a_new_revision(loaded: Dft) -> None:
    _build(loaded, "edited", day=EARLIER)
    before = _hashes(loaded.folder / "edited")
    edit = 'UPDATE "Edge" SET "relationship" = %s WHERE ("userId", "fromId", "toId") = (%s, %s, %s)'
    with psycopg.connect(loaded.environment["DFT_DATABASE_URL"]) as connection:
        key = 'SELECT "relationship", "userId", "fromId", "toId" FROM "Edge" ORDER BY "createdAt" LIMIT 1'
        said, *row = connection.execute(key).fetchone() or ()
        connection.execute(edit, ["not_sure" if said == "upgrade" else "upgrade", *row])
    try:
        _build(loaded, "edited", day=EARLIER)
        after = _hashes(loaded.folder / "edited")
        written = sorted(path for path in after.keys() - before.keys() if path.startswith("raw/"))
        assert len(written) == 1, "one day of one raw table was read again"
        assert before.keys() - after.keys(), "the file that no snapshot names any more is gone"
        assert (
            after[f"judgments/as_of={EARLIER}/part-0.parquet"]
            != before[f"judgments/as_of={EARLIER}/part-0.parquet"]
        )
    finally:
        with psycopg.connect(loaded.environment["DFT_DATABASE_URL"]) as connection:
            connection.execute(edit, [said, *row])


def test_selected_assets_are_published_with_the_rest(loaded: Dft, undisturbed: dict[str, str]) -> None:
    lake = Path(shutil.copytree(loaded.folder / "undisturbed", loaded.folder / "selected"))
    left = lake / f".staging/as_of={DAY}/quarantine"
    left.mkdir(parents=True)
    shutil.copy(lake / f"votes/as_of={DAY}/part-0.parquet", left)
    said = _build(loaded, "selected", "--select", "reward_rows,rubric_rows")
    assert "✓ rubric_rows" in said
    assert "pair_tallies" not in said
    assert _hashes(lake) == undisturbed, "what a failed build has left is not published with it"


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--policy", "published-2023", "--replace"), "other settings"),
        (("--as-of", EARLIER), "there is no snapshot of 2024-01-10 yet"),
    ],
)
def test_a_part_that_does_not_fit_is_refused(loaded: Dft, words: tuple[object, ...], said: str) -> None:
    lake = shutil.copytree(loaded.folder / "undisturbed", loaded.folder / "part", dirs_exist_ok=True)
    (lake / f"manifests/as_of={EARLIER}.json").unlink(missing_ok=True)
    before = _hashes(lake)
    assert said in _build(loaded, "part", "--select", "graph_values", *words, expected=2)
    assert _hashes(lake) == before


def test_two_builds_together_give_one_result_and_one_refusal(
    loaded: Dft, undisturbed: dict[str, str]
) -> None:
    lake = {"DFT_LAKE": str(loaded.folder / "together"), **KEY}
    builds = [loaded.start("build", "--as-of", DAY, **lake) for _ in range(2)]
    said = [build.communicate()[1] for build in builds]
    assert sorted(build.returncode for build in builds) == [0, 1], said
    assert "another build is writing to the lake" in "".join(said)
    assert "Traceback" not in "".join(said)
    assert _hashes(loaded.folder / "together") == undisturbed


def test_participants_are_pseudonyms_everywhere_past_raw(loaded: Dft, undisturbed: dict[str, str]) -> None:
    lake = loaded.folder / "undisturbed"
    for path in undisturbed:
        if path.startswith("raw/") or not path.endswith(".parquet"):
            continue
        frame = pl.read_parquet(lake / path)
        assert "userId" not in frame.columns, path
        if "participant_id" in frame.columns and len(frame):
            assert frame["participant_id"].str.contains(r"^[0-9a-f]{32}$").all(), path


def test_nothing_loaded_is_said_in_words(dft: Dft) -> None:
    done = dft("build", "--as-of", DAY)
    assert done.returncode == 1
    assert "dft load" in done.stderr
    assert "Traceback" not in done.stderr
