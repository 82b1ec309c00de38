"""What notebooks show of the workshop's tools: nothing where nobody is looking."""

from pathlib import Path
from typing import Any

from helpers.model.survey import Survey
from helpers.present.forms.attendance import is_attended


def show_facilitator_panel(
    folder: Path, survey: Survey | None = None, *, currency: str = "USD", about: str = "survey"
) -> Any:
    """Show the facilitator's tools, folded, to whoever looks at a notebook.

    Args:
        folder: The company's folder.
        survey: The survey's definition; the shipped one where None.
        currency: The company's currency.
        about: ``survey``: the round, spreadsheets and earlier versions of answers; ``matrix``: the matrix's spreadsheet
            and its earlier versions.

    Returns:
        The panel; None where nobody is looking, since a report has nothing to press and says by itself how the round
        stands.
    """
    if not is_attended():
        return None
    from helpers.workshop.facilitator_panel import FacilitatorPanel

    return FacilitatorPanel(Path(folder), survey, currency=currency, about=about).start()
