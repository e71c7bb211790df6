"""A folder that `datasets.load_dataset` opens, with a dataset card."""

from dft_pipeline.formats.card import FILE, card
from dft_pipeline.formats.making import Asked, Made, Refused, Tables
from dft_pipeline.formats.tabular import sides

CARD = "README.md"


def hf(tables: Tables, asked: Asked) -> Made:
    """`data/<table>/<split>-00000-of-00001.parquet`: the tables of `reward`, and `README.md`, the card.

    `load_dataset(FOLDER, "rubric_rows")` opens one. The licence (`DFT_LICENSE`, an SPDX id or a name of the
    Hugging Face Hub) and what participants agreed to (`DFT_CONSENT_BASIS`, in words) have no default: without
    them nothing is written.
    """
    lacking = {"DFT_LICENSE": asked.license, "DFT_CONSENT_BASIS": asked.consent_basis}
    unset = [name for name, value in lacking.items() if value is None]
    if unset:
        raise Refused(
            f"format hf needs {' and '.join(unset)}: under which licence the data may be used, and what its "
            "participants agreed to, is for you to say"
        )
    frames, left_out = sides("hf", tables, asked)
    files = {FILE.format(name, side): rows for (name, side), rows in frames.items()}
    return Made({CARD: card(tables, asked, frames), **files}, left_out)
