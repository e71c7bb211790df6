"""What a revision of a day changed, kept when it replaces the one before, whose files go.

Nobody is named in it: who takes their data out is not to stand in a list of what that changed.
"""

import json
from typing import Any

from dft_pipeline.history.difference import Difference
from dft_pipeline.history.publication_log import Entry


def path_of(entry: Entry) -> str:
    """Where a revision's changes lie in the lake."""
    return f"changes/as_of={entry.as_of}/revision={entry.revision:04}.json"


def content(entry: Entry, changed: Difference | None) -> bytes:
    """The changes as sorted JSON; None where the revision before cannot be compared."""
    told = {
        "as_of": entry.as_of,
        "revision": entry.revision,
        "reason": entry.reason,
        "changes": _told(changed),
    }
    return (json.dumps(told, indent=2, sort_keys=True) + "\n").encode()


def _told(changed: Difference | None) -> dict[str, Any] | None:
    if changed is None:
        return None
    causes = changed.judgments.group_by("cause").len("judgments").sort("cause")
    return {
        "settings": changed.settings,
        "edges": changed.edges.to_dicts(),
        "rows": changed.rows.to_dicts(),
        "judgments": dict(causes.iter_rows()),
        "merged_cards": len(changed.merges),
    }
