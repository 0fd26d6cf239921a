"""What the page should do: a model of the tabs, cases and ledger of one reader."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

LIST = ""
"""The worklist, where the name of a case would stand."""

Task = Literal["add", "reject", "sign", "amend"]


@dataclass(frozen=True)
class Entry:
    """One event of the ledger, as far as it is predicted.

    Attributes:
        kind: of the event.
        case_id: "" where it is about none.
        said: diagnosis, action and comment of a decision.
    """

    kind: str
    case_id: str
    said: tuple[str, ...] = ()


@dataclass
class Form:
    """A form that is open, or was left half written."""

    task: Task
    diagnosis: str
    comment: str = ""
    code: str = ""  # of the diagnosis that is added


@dataclass
class Reading:
    """How far the reader has come with one case."""

    decisions: list[tuple[str, str]] = field(default_factory=list)  # diagnosis, action
    signed: bool = False
    form: Form | None = None

    @property
    def standing(self) -> dict[str, str]:
        """Diagnosis to what was decided last."""
        return dict(self.decisions)


@dataclass
class Tab:
    """One tab: what is on its screen, its history, and what its session has opened.

    `case` is the one that the session has open, also while Back or Forward show the worklist.
    """

    history: list[str] = field(default_factory=lambda: [LIST])
    place: int = 0
    opened: set[str] = field(default_factory=set)
    order: list[str] = field(default_factory=list)  # of the worklist when this session last saw it
    selected: str = ""
    case: str = ""

    @property
    def shows(self) -> str:
        """The case on the screen, or LIST."""
        return self.history[self.place]


@dataclass
class Model:
    """Everything that is predicted.

    Attributes:
        suggested: case to its suggestions in the order of their cards, those that are shown.
        tabs: of the one reader.
        ledger: what the reader's events should be by now.
        mistyped: wrong passwords in a row; after some of them the next one has to wait.
    """

    suggested: dict[str, list[str]]
    tabs: list[Tab] = field(default_factory=lambda: [Tab()])
    ledger: list[Entry] = field(default_factory=list)
    cases: dict[str, Reading] = field(default_factory=dict)
    mistyped: int = 0

    def of(self, tab: Tab) -> Reading:
        """The reading on the screen of a tab."""
        return self.cases.setdefault(tab.shows, Reading())

    def free(self, tab: Tab) -> set[str]:
        """What a tab may show: a case that no other tab has on its screen, or the worklist."""
        return {LIST, *self.suggested} - {t.shows for t in self.tabs if t is not tab and t.shows}

    def beside(self, tab: Tab, by: int) -> str:
        """The case that Next or Previous leads to, or LIST if there is none, or it is not known."""
        place = tab.order.index(tab.shows) + by if tab.shows in tab.order else -1
        return tab.order[place] if 0 <= place < len(tab.order) else LIST

    def go(self, tab: Tab, to: str) -> None:
        """A row, Next, Previous or Worklist: a new entry of the history."""
        del tab.history[tab.place + 1 :]
        tab.history.append(to)
        tab.place += 1
        self.arrive(tab)

    def step(self, tab: Tab, by: int) -> None:
        """Back or Forward."""
        before = tab.shows
        tab.place += by
        if tab.shows == before or tab.shows == LIST:
            return
        selected = tab.selected if tab.shows == tab.case else ""
        self.arrive(tab)
        if self.of(tab).form is None and selected:
            tab.selected = selected

    def reload(self, tab: Tab) -> None:
        """A new session."""
        tab.opened.clear()
        tab.order.clear()
        self.arrive(tab)

    def arrive(self, tab: Tab) -> None:
        """What is at the tab's place in the history comes on the screen, as it is at first."""
        tab.case = tab.shows
        if tab.shows == LIST:
            return
        reading = self.of(tab)
        tab.selected = self.suggested[tab.shows][0]
        if reading.form is not None and reading.form.diagnosis:
            tab.selected = reading.form.diagnosis
        if tab.shows not in tab.opened:
            tab.opened.add(tab.shows)
            self.ledger.append(Entry("OPENED", tab.shows))

    def pick(self, tab: Tab, diagnosis: str) -> None:
        """A card: another diagnosis colours the panels, and a form is dropped."""
        tab.selected = diagnosis
        self.of(tab).form = None

    def accept(self, tab: Tab) -> None:
        """Accept what is selected; again, it says nothing new."""
        reading = self.of(tab)
        reading.form = None
        if reading.standing.get(tab.selected) != "accept":
            self._decide(tab, tab.selected, "accept", "")

    def undo(self, tab: Tab) -> None:
        """Take back the last decision."""
        reading = self.of(tab)
        reading.form = None
        reading.decisions.pop()
        self._record(tab, "UNDONE")

    def send(self, tab: Tab) -> None:
        """The open form is sent as it stands."""
        reading = self.of(tab)
        form = reading.form
        assert form is not None
        reading.form = None
        if form.task == "sign":
            reading.signed = True
            self.mistyped = 0
            self._record(tab, "SIGNED")
            self._record(tab, "TIMED")
        elif form.task == "amend":
            reading.signed = False
            self._record(tab, "AMENDED")
        else:
            self._decide(tab, form.code or tab.selected, form.task, form.comment)

    def refused(self) -> None:
        """A wrong password: the form stays."""
        self.mistyped += 1
        self.ledger.append(Entry("REFUSED", ""))

    def _decide(self, tab: Tab, diagnosis: str, action: str, comment: str) -> None:
        self.of(tab).decisions.append((diagnosis, action))
        self._record(tab, "DECIDED", diagnosis, action, comment)

    def _record(self, tab: Tab, kind: str, *said: str) -> None:
        self.ledger.append(Entry(kind, tab.shows, said))
