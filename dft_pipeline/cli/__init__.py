"""The `dft` command: `commands` is what one types, the other modules are what a terminal shows and starts."""

from dft_pipeline.cli.commands import main

__all__ = ["main"]
