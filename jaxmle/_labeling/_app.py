"""A terminal to label in: an item at a time, a key an answer."""

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer, Static
from textual.worker import get_current_worker

from jaxmle._data import printable
from jaxmle._labeling._answers import Answers
from jaxmle._labeling._interval import NO_LABEL
from jaxmle._tables import FAILED, PASSED
from jaxmle._types import Document

# The interval comes anew after so many answers: after each it would tell what the judge said of the last.
EVERY = 10
_LONGEST = 20_000
_SAID = {FAILED: ("failure", "bold red"), PASSED: ("pass", "bold green"), "": ("skipped", "bold yellow")}
_BAR = 20


def plain_text(text: str | None) -> str:
    """A stranger's text for a terminal: control characters as escapes, lines as they are."""
    if text is None:
        return "(none)"
    cut = (
        text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... ({len(text) - _LONGEST:,} more characters)"
    )
    return (
        "\n".join(printable(line.expandtabs(4), 2 * len(line) * 10 + 10) for line in cut.splitlines())
        or "(empty)"
    )


class Labeler(App[None]):
    """The labeller.

    Args:
        answers: The queue, and what has been said of it.
        columns: Columns to show.
        verdicts: Columns with the judge's verdicts, to show too; none by default.
        interval: Computes the interval as it stands, as `interval_now` does.
        rater: Who is at work, or None.
    """

    TITLE = "jaxmle label"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #progress { height: auto; padding: 0 1; background: $panel; }
    #item { padding: 1 2; }
    #text { height: auto; padding-right: 1; }
    #state { height: auto; padding: 0 1; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "say('fail')", "Failure"),
        Binding("p", "say('pass')", "Pass"),
        Binding("s", "say('')", "Skip"),
        Binding("b,left", "move(-1)", "Back", key_display="b"),
        Binding("n,right", "move(1)", "Next", key_display="n"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", show=False, priority=True),
    ]

    def __init__(
        self,
        answers: Answers,
        *,
        columns: tuple[str, ...],
        verdicts: tuple[str, ...] = (),
        interval: Callable[[], Document],
        rater: str | None = None,
    ) -> None:
        super().__init__()
        self.answers, self.columns, self.verdicts = answers, columns, verdicts
        self.interval, self.rater = interval, rater
        self.place = answers.next_place
        # Behind the last answer no key says anything of an item that nobody looks at.
        self.ended = self._is_complete
        self.known: Document | None = None
        self.trouble = ""

    def compose(self) -> ComposeResult:
        """Progress, the item, what was said of it, and the keys."""
        yield Static(id="progress", markup=False)
        with VerticalScroll(id="item"):
            yield Static(id="text", markup=False)
        yield Static(id="state", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Show the first item that is open."""
        self.query_one("#item").focus()
        self._show()
        # Anew at the start it would tell, after a restart, what the judge said of the last answer.
        if self._is_due:
            self._renew()

    def action_say(self, label: str) -> None:
        """Keep an answer, then go to the next item that is open."""
        if self.ended:
            return
        try:
            self.answers.answer(self.place, label)
        except OSError as error:
            self.trouble = f"NOT SAVED: {error.strerror or error}"
            self._show()
            return
        self.trouble = ""
        if self._is_due:
            self._renew()
        self.ended = self._is_complete
        last = len(self.answers.queue) - 1
        # Behind a corrected answer comes the next item; at the end, whatever is open still.
        if self.ended:
            self.place = min(self.place + 1, last)
        elif self.is_done or self.place == last or self._said(self.place + 1):
            self.place = self.answers.next_place
        else:
            self.place += 1
        self._show()

    def action_move(self, step: int) -> None:
        """Go back, or on, without an answer."""
        last = len(self.answers.queue) - 1
        if self.ended and step > 0:
            return
        self.place = last if self.ended else min(max(self.place + step, 0), last)
        self.ended = False
        self._show()

    @property
    def _is_due(self) -> bool:
        """Whether the interval is computed at so many labels."""
        return sum(map(bool, self.answers.said.values())) % EVERY == 0 or self.is_done

    @property
    def is_done(self) -> bool:
        """Whether each item has an answer, be it that it was skipped."""
        return len(self.answers.said) == len(self.answers.queue)

    @property
    def _is_complete(self) -> bool:
        return self.is_done and not self.answers.number_of("")

    def _said(self, place: int) -> bool:
        return self.answers.queue.items[place] in self.answers.said

    def _show(self) -> None:
        self.query_one("#progress", Static).update(self._progress())
        self.query_one("#text", Static).update(self._item())
        self.query_one("#state", Static).update(self._state())
        self.query_one("#item", VerticalScroll).scroll_home(animate=False)

    def _progress(self) -> Text:
        size, said = len(self.answers.queue), self.answers.said
        labeled = sum(map(bool, said.values()))
        filled = round(_BAR * labeled / size)
        skipped = self.answers.number_of("")
        line = Text(f"{'█' * filled}{'░' * (_BAR - filled)} {labeled} of {size} labelled")
        line.append(f", {skipped} skipped" if skipped else "")
        line.append("\n")
        return line.append(self._interval())

    def _interval(self) -> Text:
        found = self.known
        if found is None and not self._is_due:
            left = EVERY - sum(map(bool, self.answers.said.values())) % EVERY
            return Text(f"The interval comes after {left} more.", style="dim")
        if found is None:
            return Text("Interval: ...", style="dim")
        if found["reason"] == NO_LABEL:
            return Text(f"An interval comes after {EVERY} answers.", style="dim")
        if found["reason"]:
            return Text(f"No interval: {found['reason']}", style="dim")
        ends = (
            f"{100 * found['confidence']:g}% interval {100 * found['low']:.1f}% to {100 * found['high']:.1f}%"
        )
        rate = found["estimate"]
        estimate = "" if rate is None else f"Failure rate {100 * rate:.1f}%, "
        return Text(f"{estimate}{ends} (anew every {EVERY})", style="dim")

    def _item(self) -> Text:
        if self.ended:
            return Text("b goes back to the items.", style="dim")
        queue = self.answers.queue
        row, text = queue.rows[self.place], Text()
        named = ", ".join(map(plain_text, queue.items[self.place]))
        text.append(f"Item {self.place + 1} of {len(queue)}", style="bold").append(f"  {named}\n")
        for column in self.columns:
            text.append(f"\n{plain_text(column)}\n", style="bold cyan").append(f"{plain_text(row[column])}\n")
        for column in self.verdicts:
            text.append(f"\n{plain_text(column)} (the judge's verdict)\n", style="bold yellow")
            text.append(f"{plain_text(row[column])}\n")
        return text

    def _state(self) -> Text:
        if self.trouble:
            return Text(plain_text(self.trouble), style="bold white on red")
        item = self.answers.queue.items[self.place]
        line = Text(f"{plain_text(self.rater)}: " if self.rater else "")
        if not self.ended and item in self.answers.said:
            word, style = _SAID[self.answers.said[item]]
            line.append("You said: ").append(word, style=style).append(". ")
        if self.is_done:
            skipped = self.answers.number_of("")
            left = f"; {skipped} skipped are open still" if skipped else ""
            line.append(f"All items seen{left}. q ends.", style="bold")
        elif item not in self.answers.said:
            line.append("Is this answer a failure?", style="bold")
        return line

    def _renew(self) -> None:
        self.run_worker(self._compute, thread=True, exclusive=True)

    def _compute(self) -> None:
        worker = get_current_worker()
        found = self.interval()
        if not worker.is_cancelled:
            self.call_from_thread(self._take, found)

    def _take(self, found: Document) -> None:
        self.known = found
        self.query_one("#progress", Static).update(self._progress())
