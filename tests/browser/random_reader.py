"""A seeded reader with mouse, keys and languages, who knows from a model what should come of it.

Every action is one entry of `story`; the ledger is compared after each, so that what happens twice,
late, elsewhere or not at all is found at the action that it belongs to.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from page_model import LIST, Entry, Form, Model, Tab
from playwright.sync_api import BrowserContext, Page, expect
from settled import rest
from sqlalchemy import Engine
from waiting import SECONDS

from clinical.audit import ledger
from clinical.workspace import comments
from ui.access import login_throttle

READER, PASSWORD = "dr.random", "sagas join new asthma zeal"
ADDED = (("asthma", "ICD-10:J45.9"), ("abscess", "ICD-10:J85.2"), ("sarcoid", "ICD-10:D86.0"))
WORDS = (
    "clear on the left",
    "Überprüfung, ärztlich",
    "œdème à droite",
    "очаг справа",
    "右下肺野",
    "áéíóú",
    "سائل",
)
SIZES = ((1280, 720), (1920, 1080), (390, 844), (820, 1180), (853, 480))
OWN = ("OPENED", "DECIDED", "UNDONE", "SIGNED", "TIMED", "AMENDED", "REFUSED")
ASIDES = ("pause", "resize", "other tab", "reload", "search")
ASIDE = 0.3  # how often it is one of them


@dataclass
class Reader:
    """One random reader on one served workspace.

    Attributes:
        context: of the browser, where the reader is signed in.
        address: of the page.
        engine: of the workspace that it is served from.
        rng: every choice comes from it.
        model: what should be.
        story: what was done, one line for each action.
        seconds: from each action to what should come of it.
    """

    context: BrowserContext
    address: str
    engine: Engine
    rng: random.Random
    model: Model
    pages: list[Page] = field(default_factory=list)
    now: int = 0
    story: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def page(self) -> Page:
        """The tab in front."""
        return self.pages[self.now]

    @property
    def tab(self) -> Tab:
        """What it should show."""
        return self.model.tabs[self.now]

    def begin(self) -> None:
        """Sign in."""
        page = self.context.new_page()
        page.clock.install()
        page.goto(self.address)
        page.get_by_label("Account").fill(READER)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        self.pages.append(page)
        self.check()

    def act(self) -> None:
        """Do one thing, and see that it happened once, at once, here."""
        actions = self._possible()
        asides = {name for name in actions if name in ASIDES}
        some = asides if self.rng.random() < ASIDE else actions.keys() - asides
        name = self.rng.choice(sorted(some))
        self.story.append(
            f"{len(self.story) + 1} tab {self.now} {self.tab.shows or 'list'}: {name}"
        )
        actions[name]()
        self.check()

    def check(self) -> None:
        """Wait until ledger and screen are as they should be."""
        began = time.monotonic()
        while (found := self._events()) != self.model.ledger:
            if time.monotonic() - began > SECONDS:
                raise AssertionError(f"the ledger has {found[-4:]}, not {self.model.ledger[-4:]}")
            time.sleep(0.02)
        self.seconds.append(time.monotonic() - began)
        self._look()
        assert self._events() == self.model.ledger, "more was recorded than was asked for"

    def _look(self) -> None:
        expect(self.page.locator(".masthead h1")).to_have_text(self.tab.shows or "Worklist")
        rest(self.page)
        if self.tab.shows == LIST:
            rows = self.page.locator("tr[data-pick]")
            self.tab.order = rows.evaluate_all("rows => rows.map((row) => row.dataset.pick)")
            return
        form = self.model.of(self.tab).form
        sent = self.page.locator(".st-key-reasons [data-testid=stForm]")
        expect(sent).to_have_count(1 if form else 0)
        if form and form.task != "sign":
            expect(self.page.get_by_role("textbox", name="Comment")).to_have_value(form.comment)
        if not self.model.of(self.tab).signed:
            chosen = self.page.locator(f'.card[data-pick="{self.tab.selected}"]')
            expect(chosen).to_have_attribute("aria-checked", "true")

    def _events(self) -> list[Entry]:
        with self.engine.connect() as connection:
            found = []
            for event in ledger.events(connection):
                if event.actor != READER or event.kind not in OWN:
                    continue
                said: tuple[str, ...] = ()
                if event.kind == "DECIDED":
                    digest = event.payload["comment"]
                    comment = comments.get(connection, digest) if digest else ""
                    said = (event.payload["diagnosis"], event.payload["action"], comment)
                found.append(Entry(event.kind, event.case_id, said))
        return found

    def _possible(self) -> dict[str, Callable[[], None]]:
        found: dict[str, Callable[[], None]] = {
            "pause": self._pause,
            "resize": self._resize,
            "other tab": self._other_tab,
            "reload": self._reload,
        }
        free, past = self.model.free(self.tab), self.tab.history
        if self.tab.place > 0 and past[self.tab.place - 1] in free:
            found["back"] = lambda: self._step(-1)
        if self.tab.place + 1 < len(past) and past[self.tab.place + 1] in free:
            found["forward"] = lambda: self._step(1)
        if self.tab.shows == LIST:
            return found | {
                "row": self._row,
                "row by key": self._row_by_key,
                "search": self._search,
            }
        found |= {"worklist": self._worklist}
        if self.model.beside(self.tab, 1) in free - {LIST}:
            found["next"] = lambda: self._beside("next", "j", 1)
        if self.model.beside(self.tab, -1) in free - {LIST}:
            found["previous"] = lambda: self._beside("previous", "k", -1)
        reading = self.model.of(self.tab)
        if reading.signed:
            return found if reading.form else found | {"amend": self._amend}
        found |= {"card": self._card}
        if reading.form:
            return found | {
                "cancel": self._cancel,
                "keys": self._stray_keys,
                "write": self._write,
                "send": self._send,
            }
        found |= {
            "accept": self._accept,
            "accept by key": lambda: self._accept(by="a"),
            "accept twice": lambda: self._accept(twice=True),
            "card and accept": self._card_and_accept,
            "add": self._add,
            "reject": self._reject,
            "dead key": self._dead_key,
        }
        if reading.decisions:
            found |= {"undo": self._undo, "undo by key": lambda: self._undo(by="z")}
        if self.page.locator(".st-key-sign button").is_enabled():
            found |= {"sign": self._sign}
            if self.model.mistyped < login_throttle.FREE:
                found |= {"sign wrongly": lambda: self._sign("wrong one")}
        return found

    def _pause(self) -> None:
        self.page.mouse.move(self.rng.randrange(300), self.rng.randrange(300))
        self.page.clock.fast_forward(self.rng.randrange(40_000))

    def _resize(self) -> None:
        width, height = self.rng.choice(SIZES)
        self.page.set_viewport_size({"width": width, "height": height})

    def _other_tab(self) -> None:
        if len(self.pages) == 1:
            page = self.context.new_page()
            page.clock.install()
            page.goto(self.address)
            self.pages.append(page)
            self.model.tabs.append(Tab())
        self.now = 1 - self.now
        self.page.bring_to_front()

    def _reload(self) -> None:
        self.page.reload()
        self.model.reload(self.tab)

    def _step(self, by: int) -> None:
        (self.page.go_back if by < 0 else self.page.go_forward)()
        self.model.step(self.tab, by)

    def _beside(self, name: str, key: str, by: int) -> None:
        if self.model.of(self.tab).form is None and self.rng.random() < 0.5:
            self.page.keyboard.press(key)
        else:
            self.page.locator(f".st-key-{name} button").click()
        self.model.go(self.tab, self.model.beside(self.tab, by))

    def _row(self) -> None:
        case_id = self.rng.choice(sorted(self.model.free(self.tab) - {LIST}))
        self.page.locator(f'tr[data-pick="{case_id}"]').click()
        self.model.go(self.tab, case_id)

    def _row_by_key(self) -> None:
        case_id = self.rng.choice(sorted(self.model.free(self.tab) - {LIST}))
        self.page.locator(f'tr[data-pick="{case_id}"]').press("Enter")
        self.model.go(self.tab, case_id)

    def _search(self) -> None:
        field = self.page.locator(".st-key-search input")
        field.click()
        self._type(self.rng.choice(WORDS))
        field.press("Control+A")
        field.press("Delete")
        self.page.keyboard.press("Enter")
        expect(self.page.locator("tr[data-pick]")).to_have_count(len(self.model.suggested))

    def _worklist(self) -> None:
        if self.model.of(self.tab).form is None and self.rng.random() < 0.5:
            self.page.keyboard.press("w")
        else:
            self.page.get_by_role("button", name="Worklist").click()
        self.model.go(self.tab, LIST)

    def _card(self) -> None:
        diagnosis = self.rng.choice(self.model.suggested[self.tab.shows])
        self.page.locator(f'.card[data-pick="{diagnosis}"]').click()
        self.model.pick(self.tab, diagnosis)

    def _accept(self, by: str = "", twice: bool = False) -> None:
        button = self.page.locator(".st-key-accept button")
        if by:
            self.page.keyboard.press(by)
        else:
            (button.dblclick if twice else button.click)()
        self.model.accept(self.tab)

    def _card_and_accept(self) -> None:
        self._card()
        self._accept()

    def _undo(self, by: str = "") -> None:
        if by:
            self.page.keyboard.press(by)
        else:
            self.page.locator(".st-key-undo button").click()
        self.model.undo(self.tab)

    def _add(self) -> None:
        word, code = self.rng.choice(ADDED)
        self.page.keyboard.press("e")
        self.page.keyboard.type(word)  # at once, whether the form is there or not
        search = self.page.get_by_role("combobox", name="Added diagnosis")
        expect(search).to_have_value(word)
        expect(self.page.locator("[role=listbox] [role=option]").first).to_be_visible()
        self.page.keyboard.press("Enter")
        expect(search).not_to_have_value(word)
        self.model.of(self.tab).form = Form("add", self.tab.selected, code=code)

    def _reject(self) -> None:
        self.page.keyboard.press("x")
        self.page.keyboard.type("laborat")
        reason = self.page.get_by_role("combobox", name="Reason to reject")
        expect(reason).to_have_value("laborat")
        expect(self.page.locator("[role=listbox] [role=option]").first).to_be_visible()
        self.page.keyboard.press("Enter")
        expect(reason).not_to_have_value("laborat")
        self.model.of(self.tab).form = Form("reject", self.tab.selected)

    def _write(self) -> None:
        form = self.model.of(self.tab).form
        assert form is not None
        if form.task == "sign":
            return
        self.page.get_by_role("textbox", name="Comment").click()
        self.page.keyboard.press("End")
        form.comment += self._type(self.rng.choice(WORDS))

    def _type(self, words: str) -> str:
        """Letter by letter, composed where no key has them."""
        devtools = self.context.new_cdp_session(self.page)
        for letter in words:
            if letter.isascii():
                self.page.keyboard.type(letter)
                continue
            dead = {"key": "Dead", "code": "BracketLeft"}
            devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **dead})
            shown = {"text": letter, "selectionStart": 1, "selectionEnd": 1}
            devtools.send("Input.imeSetComposition", shown)
            devtools.send("Input.insertText", {"text": letter})
        devtools.detach()
        return words

    def _dead_key(self) -> None:
        devtools = self.context.new_cdp_session(self.page)
        for code in ("KeyZ", "KeyA", "KeyS"):
            dead = {"type": "rawKeyDown", "key": "Dead", "code": code}
            devtools.send("Input.dispatchKeyEvent", dead)
        devtools.detach()

    def _stray_keys(self) -> None:
        self.page.get_by_role("heading", level=1).click()
        for key in self.rng.sample("amxezsjknw", 4):
            self.page.keyboard.press(key)

    def _cancel(self) -> None:
        self.page.get_by_role("button", name="Cancel").click()
        self.model.of(self.tab).form = None

    def _send(self) -> None:
        form = self.model.of(self.tab).form
        assert form is not None
        if form.task == "sign":
            self.page.get_by_role("textbox", name="Your password").fill("")
            self._confirm(PASSWORD)
            return
        self._write()
        self.page.locator(".st-key-record button").click()
        self.model.send(self.tab)

    def _sign(self, password: str = PASSWORD) -> None:
        self.page.keyboard.press("s")
        self.model.of(self.tab).form = Form("sign", self.tab.selected)
        self._confirm(password, at_once=True)

    def _confirm(self, password: str, at_once: bool = False) -> None:
        if not at_once:
            self.page.get_by_role("textbox", name="Your password").click()
        self.page.keyboard.type(password)
        if self.rng.random() < 0.5:
            self.page.keyboard.press("Control+Enter")
        else:
            self.page.locator(".st-key-confirm-sign button").click()
        if password == PASSWORD:
            self.model.send(self.tab)
        else:
            self.model.refused()

    def _amend(self) -> None:
        self.page.locator(".st-key-amend button").click()
        self.model.of(self.tab).form = Form("amend", "")
        self.page.keyboard.type("mistake")
        expect(self.page.locator("[role=listbox] [role=option]").first).to_be_visible()
        self.page.keyboard.press("Enter")
        self.page.locator(".st-key-reopen button").click()
        self.model.send(self.tab)
