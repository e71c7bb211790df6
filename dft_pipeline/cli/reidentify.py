"""Who a pseudonym is: for whoever has the key, with a reason, and never unrecorded."""

import re

from dft_pipeline.raw.tables import SOURCE_TABLES
from dft_pipeline.values.pseudonyms import DIGITS, pseudonymiser
from resources.database import database, libpq, prepare
from resources.reidentification import record, user_ids
from resources.settings import KEY_FILE, Settings


class NoKey(LookupError):
    """There is no key that pseudonyms could have been made with."""


class Unknown(LookupError):
    """Nobody in the source has the pseudonym under the key."""


def is_pseudonym(text: str) -> bool:
    return re.fullmatch(f"[0-9a-f]{{{DIGITS}}}", text) is not None


def reidentified(chosen: Settings, pseudonym: str, reason: str) -> int:
    """The app's id of a participant. Raises NoKey before anything is recorded, and Unknown after it.

    A pseudonym has no inverse: every id that the source names is hashed until one fits.
    """
    if not chosen.pseudonym_key and not (chosen.home_folder / KEY_FILE).exists():
        raise NoKey("there is no key here: set DFT_PSEUDONYM_KEY to the one that the snapshot was built with")
    with database(chosen) as url:
        prepare(url)
        record(url, pseudonym, reason)
        named = pseudonymiser(chosen.key())
        source = url if chosen.source_url is None else libpq(chosen.source_url)
        for user_id in user_ids(source, SOURCE_TABLES.values()):
            if named(user_id) == pseudonym:
                return user_id
    raise Unknown(f"nobody in the source is {pseudonym} under this key (the asking is recorded)")
