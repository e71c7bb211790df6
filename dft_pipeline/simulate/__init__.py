"""A seeded synthetic deliberation in the source's file format, with a planted truth.

What belongs here: inventing participants, chats, cards, draws and judgments of any number. What does not:
reading them back (`raw`), or any rule of the pipeline: the truth is planted, never computed.
"""

from dft_pipeline.simulate.deliberation import BrokenRow, Deliberation, Truth, simulate
from dft_pipeline.simulate.files import write

__all__ = ["BrokenRow", "Deliberation", "Truth", "simulate", "write"]
