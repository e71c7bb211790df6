"""How the unit tests look for counterexamples: the same examples in every run."""

from hypothesis import settings

settings.register_profile("unit", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("unit")
