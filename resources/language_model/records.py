"""What was asked of models and what came of it, in PostgreSQL: kept as it arrives, found when asked again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from resources import sql
from resources.database import connect, not_lost
from resources.language_model.budget import Use
from resources.language_model.calling import Tally


class Records:
    """The tables `dft.llm_calls` and `dft.embeddings`, over one connection."""

    def __init__(self, connection: psycopg.Connection, run_id: str | None) -> None:
        self.connection = connection
        self.run_id = run_id

    def run_use(self) -> Use | None:
        """What the run has used so far, in all its processes; None outside of a run."""
        if self.run_id is None:
            return None
        [(tokens_in, tokens_out, cost)] = self._rows("language_model/run_use", {"run_id": self.run_id})
        return Use(tokens_in, tokens_out, cost)

    def answers(self, questions: Sequence[str]) -> dict[str, str]:
        """Good answers from before, as JSON, by the question's hash."""
        return dict(self._rows("language_model/answers", {"questions": list(questions)}))

    def refusals(self, questions: Sequence[str]) -> dict[str, str]:
        """Why questions were refused when the model last said anything to them, by the question's hash."""
        return dict(self._rows("language_model/refusals", {"questions": list(questions)}))

    def keep_call(self, what: Mapping[str, Any], tally: Tally, outcome: str, reason: str | None) -> None:
        row = {
            "run_id": self.run_id,
            **what,
            "parameters": json.dumps(what["parameters"]),
            "outcome": outcome,
            "reason": reason,
            **tally.use._asdict(),
            "latency_s": tally.latency_s,
            "attempts": tally.attempts,
        }
        with not_lost():
            self.connection.execute(sql.text("language_model/record_call"), row)

    def vectors(self, model: str, texts: Sequence[str]) -> dict[str, bytes]:
        """Vectors from before, by the text's hash."""
        return dict(self._rows("language_model/vectors", {"model": model, "texts": list(texts)}))

    def keep_vectors(self, model: str, vectors: Mapping[str, bytes]) -> None:
        texts = sorted(vectors)
        row = {"model": model, "texts": texts, "vectors": [vectors[text] for text in texts]}
        with not_lost():
            self.connection.execute(sql.text("language_model/record_vectors"), row)

    def _rows(self, name: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with not_lost():
            return self.connection.execute(sql.text(name), parameters).fetchall()


@contextmanager
def records(url: str, run_id: str | None) -> Iterator[Records]:
    """The records of a database, each row there as soon as it is written. Raises NoDatabase."""
    with connect(url) as connection:
        connection.autocommit = True
        yield Records(connection, run_id)
