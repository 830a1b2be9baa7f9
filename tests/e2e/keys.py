"""A person without a mouse, for the tests of what can be done by the keyboard alone."""

from __future__ import annotations

from tests.e2e.browser import READY

NAME = """(e => [e.ariaLabel, e.labels?.[0]?.innerText, e.innerText, e.value, e.title]
  .find((text) => text?.trim())?.trim() ?? '')(document.activeElement)"""


class Keys:
    """A person without a mouse at a page: goes to things by their name, and sees where they are."""

    def __init__(self, page):
        self.page = page
        page.on("filechooser", lambda _: None)  # asks the browser early for what a single key press would outrun

    def to(self, name: str) -> Keys:
        """Go on with Tab until something has this name; the address bar comes after the last thing."""
        for _ in range(120):
            self.page.keyboard.press("Tab")
            self.page.wait_for_load_state()
            self.page.locator(READY).wait_for(state="attached")
            if self.page.evaluate(NAME).startswith(name):
                shown = self.page.evaluate(
                    "(e => [e, e.closest('label')].some((s) => s && getComputedStyle(s).outlineStyle !== 'none'))(document.activeElement)"
                )
                assert shown, f"the focus on {name} is not seen"
                return self
        raise AssertionError(f"Tab does not lead to {name}")

    def press(self, key: str = "Enter") -> Keys:
        self.page.keyboard.press(key)
        return self

    def type(self, text: str) -> Keys:
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)
        return self

    def choose(self, *files) -> None:
        self.to("Choose files")
        with self.page.expect_file_chooser() as waiting:
            self.press()
        waiting.value.set_files(list(files))
