"""How the unit tests look for counterexamples: the same examples in every run."""

from hypothesis import Phase, settings

# Without the phase that explains a counterexample: it takes longer than finding one.
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
settings.register_profile("unit", deadline=None, derandomize=True, max_examples=25, phases=PHASES)
settings.load_profile("unit")
