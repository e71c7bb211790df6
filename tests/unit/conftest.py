"""How the unit tests look for counterexamples: the same examples in every run, fewer in the fast loop."""

import pytest
from hypothesis import Phase, settings

# Without the phase that explains a counterexample: it takes longer than finding one.
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
for name, examples in (("unit", 15), ("fast", 5)):
    settings.register_profile(name, deadline=None, derandomize=True, max_examples=examples, phases=PHASES)


def pytest_configure(config: pytest.Config) -> None:
    """`unit`, unless the command line names another profile."""
    settings.load_profile(config.getoption("--hypothesis-profile") or "unit")
