"""Debian's Chromium, headless, as the tests and the screenshots use it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

DEMO_OPERATOR = ("operator@databridge.example", "Try-DataBridge-1")
DEMO_ADMIN = ("admin@databridge.example", "Try-DataBridge-1")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"]  # fmt: skip

READY = "html[data-ready], html:not(:has(script[src*='/js/app']))"
# A mouse finds nothing on a page whose scripts have not started: so a click after a click waits for them by itself.
SLOW_HAND = """
const sheet = new CSSStyleSheet();
sheet.replaceSync("html:not([data-ready]):has(script[src*='/js/app']) body { pointer-events: none }");
document.adoptedStyleSheets = [sheet];
"""


def chromium() -> str | None:
    """Return where Chromium is, if it is."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def browsing(**context):
    """Yield a function that opens pages in one browser; what a page complains of is kept in ``page.complaints``."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        try:
            yield lambda **more: _page(browser.new_context(**{**context, **more}))
        finally:
            browser.close()


def _page(context):
    context.add_init_script(SLOW_HAND)
    page = context.new_page()
    page.complaints = []
    page.goto, page.reload = _ready(page, page.goto), _ready(page, page.reload)
    page.on("console", lambda message: message.type == "error" and page.complaints.append(_said(message)))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "requestfailed",
        lambda request: _aborted(request) or page.complaints.append(f"{request.url}: {request.failure}"),
    )
    return page


def _ready(page, go):
    """Let a page be gone to only when its scripts have started."""

    def gone(*args, **more):
        answer = go(*args, **more)
        if more.get("wait_until") != "commit":
            page.locator(READY).wait_for(state="attached")
        return answer

    return gone


def _said(message) -> str:
    """Return what the console says, and of what."""
    return f"{message.text} {message.location['url']}"


def _aborted(request) -> bool:
    """Tell whether the browser itself gave a request up, as it does when a test goes on to the next page."""
    return request.failure == "net::ERR_ABORTED"


def states(base: str, open_page) -> dict[str, dict]:
    """Sign in once as each demo user and return what a context needs to go on as them."""
    found = {}
    for role in ("Admin", "Operator", "Viewer"):
        page = open_page()
        sign_in(page, base, role)
        found[role] = page.context.storage_state()
        page.context.close()
    return found


def sign_in(page, base: str, role: str) -> None:
    """Sign in as a demo user through the form."""
    from databridge.local.provision import DEMO_PASSWORD

    sign_in_as(page, base, f"{role.lower()}@databridge.example", DEMO_PASSWORD)
    page.wait_for_url(f"{base}/app/")


def sign_in_as(page, base: str, email: str, password: str) -> None:
    """Send the sign-in form; what comes then is the caller's to look at."""
    page.goto(f"{base}/app/")
    fill_sign_in(page, email, password)


def fill_sign_in(page, email: str, password: str) -> None:
    """Fill in the sign-in form that is open, and send it."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def sign_in_again(page, email: str, password: str) -> None:
    """Answer the window of a page whose session has ended."""
    page.get_by_role("dialog", name="Your session has ended").wait_for()
    with page.expect_popup() as waiting:
        page.get_by_role("dialog").get_by_role("button", name="Sign in", exact=True).click()
    fill_sign_in(waiting.value, email, password)


def until(page, script: str, timeout_s: float = 30) -> None:
    """Wait until a script is true; the page's policy keeps Playwright's own way from evaluating texts."""
    import time

    deadline = time.monotonic() + timeout_s
    while not page.evaluate(script):
        assert time.monotonic() < deadline, script
        page.wait_for_timeout(50)


def sign_out(page) -> None:
    """Sign out by the account menu."""
    page.locator("header summary").click()
    page.get_by_role("button", name="Sign out").click()


def app_code(letters: str) -> str:
    """Return the code that an authenticator app shows now for a secret, good for some seconds more (RFC 6238)."""
    import base64
    import time

    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    secret = "".join(letters.split()).upper()
    if 30 - time.time() % 30 < 4:  # Cognito takes the code of this half minute only
        time.sleep(4)
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    return TOTP(key, 6, SHA1(), 30, enforce_key_length=False).generate(int(time.time())).decode()
