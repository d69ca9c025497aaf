"""The one progress bar on a terminal: what it tells is made printable and never read as markup."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.text import Text

from catalens.printable import printable


class Description(ProgressColumn):
    """What is being done.

    Args:
        encoding: of the terminal; what it lacks is shown as escapes.
    """

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    def render(self, task: Task) -> Text:
        """The text as it is, with escapes in the place of what would move the cursor."""
        return Text(printable(task.description, encoding=self._encoding))


def progress_bar(*columns: ProgressColumn, console: Console | None = None) -> Progress:
    """A bar that is gone when it is done.

    Args:
        columns: between the bar and the time that remains.
        console: standard error where None.
    """
    remaining = TimeRemainingColumn(elapsed_when_finished=True)
    shown = Console(stderr=True) if console is None else console
    return Progress(Description(shown.encoding), BarColumn(), *columns, remaining, console=shown, transient=True)
