"""The pages in a real browser: what each role sees and does, from the first file to the reason why one failed."""

from __future__ import annotations

import random
import re
import zipfile

import pytest

from tests.e2e.browser import chromium, sign_in, sign_in_as, sign_out, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
]


def choose(page, *files):
    page.locator("input[type=file]").set_input_files(list(files))


def wait_for(page, status: str) -> None:
    page.locator(f"#job .status-{status}").wait_for(timeout=60_000)


@pytest.mark.parametrize("role", ["Admin", "Operator", "Viewer"])
def test_each_role_signs_in_and_out_and_sees_what_it_may(open_page, live, role):
    page = open_page()
    sign_in(page, live, role)
    assert role in page.locator("header").inner_text()
    menu = page.locator("header nav").inner_text().split()
    further = {"Admin": ["Connections", "Admin"], "Operator": ["Connections"], "Viewer": []}[role]
    assert menu == ["Dashboard", "Jobs", "Datasets", *further]
    assert page.get_by_role("link", name="New job").count() == (0 if role == "Viewer" else 1)
    assert page.complaints == []
    sign_out(page)
    page.goto(f"{live}/app/")
    assert "/app/sign-in" in page.url


def test_a_wrong_password_is_said_and_opens_nothing(open_page, live):
    page = open_page()
    sign_in_as(page, live, "admin@databridge.example", "wrong")
    assert "wrong" in page.get_by_role("alert").inner_text()
    page.goto(f"{live}/app/")
    assert "/app/sign-in" in page.url


def test_a_good_file_is_looked_at_and_loaded_with_two_clicks(as_role, live, tmp_path):
    file = tmp_path / "GL Export 2026.csv"
    file.write_text(f"konto;betrag\n0000400000;1.250,00-\n0000400001;3,50\n{random.randrange(10**9):010d};1,00\n")
    page = as_role("Operator")
    page.goto(f"{live}/app/")
    page.get_by_role("link", name="New job").click()
    choose(page, file)
    assert page.get_by_label("Dataset").locator("visible=true").input_value() == "gl_export_2026"
    marked = page.locator("[data-look-result] td.changed")
    marked.first.wait_for()
    changes = [" ".join(text.split()) for text in marked.all_inner_texts()]
    assert changes == ["1.250,00- → becomes -1250.00", "3,50 → becomes 3.50", "1,00 → becomes 1.00"]
    assert "all bytes are ASCII" in page.locator("[data-look-result]").inner_text()
    page.get_by_role("button", name="Load", exact=True).click()
    wait_for(page, "SUCCESS")
    text = page.locator("main").inner_text()
    for shown in ("0000400000", "-1250.00", "minus behind", "Every row accounted for", "SHA-256", "/gl_export_2026/"):
        assert shown in text, shown
    assert page.locator(".stage-done").count() == 7
    ends = page.locator("#events [data-lines] li", has_text="succeeded")
    ends.wait_for()  # the log comes by a call of its own
    assert ends.count() == 1
    assert page.complaints == []


def test_a_file_that_is_chosen_before_the_script_is_there_is_taken(as_role, live, tmp_path):
    file = tmp_path / "early bird.csv"
    file.write_text("a;b\n1;2\n")
    page = as_role("Operator")
    held = []
    page.route("**/js/files.js", lambda route: held.append(route))  # noqa: PLW0108  (Playwright keeps no bound method)
    page.goto(f"{live}/app/new", wait_until="commit")
    choose(page, file)
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    page.locator("[data-look-result] table").wait_for()
    assert page.get_by_label("Dataset").locator("visible=true").input_value() == "early_bird"


def test_a_file_that_can_only_be_read_whole_is_sent_looked_at_and_then_loaded(as_role, live, tmp_path):
    file = tmp_path / f"Ledger {random.randrange(10**9)}.zip"
    with zipfile.ZipFile(file, "w") as archive:
        rows = "".join(f"{n:010d};{n % 900 + 1}.250,00-\n" for n in range(250_000))
        archive.writestr("ledger.csv", f"konto;betrag {random.random()}\n{rows}")
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    choose(page, file)
    page.get_by_role("button", name="Send it, then look").click()
    page.locator("[data-look-result] table").wait_for(timeout=30_000)
    look = page.locator("[data-look-result]")
    assert "250,000 in the whole file" in look.inner_text()
    page.locator("[data-options] summary").click()
    page.get_by_label("Header row").fill("0")
    look.get_by_text("250,001 in the whole file").wait_for(timeout=30_000)
    page.get_by_label("Header row").fill("")
    look.get_by_text("250,000 in the whole file").wait_for(timeout=30_000)
    page.locator("[data-dataset]").fill("settled_after_the_look")
    page.get_by_role("button", name="Load", exact=True).click()
    wait_for(page, "SUCCESS")
    assert "settled_after_the_look" in page.locator("h1").inner_text()
    assert page.complaints == []


def test_a_wrong_guess_is_corrected_by_an_option_before_loading(as_role, live, tmp_path):
    file = tmp_path / "no header.csv"
    file.write_text("a;b\nc;d\n")
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    choose(page, file)
    page.locator("[data-look-result] table").wait_for()
    page.locator("[data-options] summary").click()
    page.get_by_label("Header row").fill("0")
    page.locator("[data-look-result] tbody tr").nth(1).wait_for()
    assert "header_row" in page.locator("[data-curl] pre").text_content()


def test_a_file_must_hold_what_its_totals_say(as_role, live, tmp_path):
    files = [tmp_path / f"totals_{number}.csv" for number in range(2)]
    for file in files:
        file.write_text(f"id;betrag\nA{random.randrange(10**9)};10,50\nB;2,25-\n")
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    choose(page, *files)
    page.locator("[data-totals] summary").click()
    totals = page.get_by_label("What the file must hold")
    page.get_by_text("Totals are those of one file").wait_for()
    assert totals.is_disabled()
    page.get_by_label("Remove totals_1.csv").click()
    totals.fill("two rows")
    page.get_by_role("button", name="Load", exact=True).click()
    page.locator("[data-state].problem", has_text="tells no total").wait_for()
    totals.fill("rows=2\nbetrag=8.26")
    page.get_by_role("button", name="Load", exact=True).click()
    wait_for(page, "FAILED")
    assert "CONTROL_TOTALS_MISMATCH" in page.locator(".problem", has_text="Why it failed").inner_text()
    page.goto(f"{live}/app/new")
    choose(page, files[0])
    page.locator("[data-totals] summary").click()
    totals.fill("rows=2\nbetrag=8.25")
    page.locator("[data-curl] summary").click()
    assert r'"control_totals":"rows=2\nbetrag=8.25"' in page.locator("[data-curl] pre").inner_text()
    page.get_by_role("button", name="Load", exact=True).click()
    wait_for(page, "SUCCESS")
    assert [text for text in page.complaints if "400" not in text] == []


def test_several_files_are_loaded_at_once(as_role, live, tmp_path):
    files = []
    for number in range(3):
        files.append(tmp_path / f"part_{number}.csv")
        files[-1].write_text(f"a;b\n{number};{random.random()}\n")
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    choose(page, *files)
    page.get_by_label("Remove part_1.csv").click()
    page.get_by_role("button", name="Load 2 files").click()
    page.get_by_role("link", name="see its job").nth(1).wait_for()
    assert page.get_by_role("link", name="see its job").count() == 2
    assert page.complaints == []


def test_fifty_megabytes_survive_a_cut_and_a_reload_without_being_sent_twice(as_role, live, tmp_path):
    file = tmp_path / "large ledger.csv"
    line = "".join(f"{n:010d};{n}.250,50;2026-10-31;Buchungstext Nummer {n}\n" for n in range(100, 1000))
    head = f"konto;betrag;datum;text {random.random()}\n"
    file.write_text(head + line * (50_000_000 // len(line)))
    half = file.stat().st_size // 2
    page = as_role("Operator")
    sent = []
    page.on("request", lambda request: request.method == "PATCH" and sent.append(int(request.headers["upload-offset"])))
    # All of it may be sent before anybody can press Pause, so the second half waits for that.
    pieces = "**/api/uploads/*"
    page.route(pieces, lambda route: int(route.request.headers.get("upload-offset", 0)) > half or route.continue_())
    page.goto(f"{live}/app/new")
    choose(page, file)
    page.get_by_role("button", name="Load", exact=True).click()
    state = page.locator("[data-files] [data-state]")
    until(page, "document.querySelector('[data-files] progress').value >= 10")
    page.context.set_offline(True)
    until(page, "/Interrupted/.test(document.querySelector('[data-files] [data-state]').textContent)")
    assert page.locator("#offline").is_visible()
    page.context.set_offline(False)
    until(page, "document.querySelector('[data-files] progress').value >= 25")
    page.get_by_role("button", name="Pause").click()
    page.locator("[data-files] [data-state]", has_text="Paused").wait_for()
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    assert "large ledger.csv" in page.locator("[data-unfinished]").inner_text()
    reached = max(sent)
    assert reached > 10_000_000
    sent.clear()
    choose(page, file)
    assert "goes on where it stopped" in state.inner_text()
    page.get_by_role("button", name="Load", exact=True).click()
    page.get_by_role("button", name="Pause").click()
    page.unroute(pieces)
    page.get_by_role("button", name="Go on").click()
    wait_for(page, "SUCCESS")
    assert min(sent) >= reached
    assert f"{line.count(chr(10)) * (50_000_000 // len(line)):,}" in page.locator("main").inner_text()
    assert [text for text in page.complaints if "ERR_INTERNET_DISCONNECTED" not in text] == []


def test_a_failed_job_says_what_where_and_what_to_do_and_is_retried(as_role, live, tmp_path):
    file = tmp_path / "broken.json"
    file.write_text(f'{{"a": [{random.random()},\n{{"b": ')
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    choose(page, file)
    page.locator("[data-look-result] .problem", has_text="BROKEN_FILE").wait_for()
    page.get_by_role("button", name="Load", exact=True).click()
    wait_for(page, "FAILED")
    text = page.locator(".problem", has_text="Why it failed").inner_text()
    for shown in ("BROKEN_FILE", "broken.json", "2", "transfer the file again", "unless something is changed"):
        assert shown in text, shown
    assert page.locator(".stage-failed").count() == 1
    page.get_by_role("button", name="Retry").click()
    page.locator("#events li", has_text="sent the job again").wait_for()
    wait_for(page, "FAILED")
    assert page.complaints == []


def test_a_file_that_is_loaded_already_can_be_loaded_again_all_the_same(as_role, live, tmp_path):
    file = tmp_path / "twice.csv"
    file.write_text(f"a;b\n1;{random.random()}\n")
    page = as_role("Operator")
    for status in ("SUCCESS", "FAILED"):
        page.goto(f"{live}/app/new")
        choose(page, file)
        page.get_by_role("button", name="Load", exact=True).click()
        wait_for(page, status)
    page.get_by_role("link", name="See that job").wait_for()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Load again all the same").click()
    wait_for(page, "SUCCESS")
    assert page.complaints == []


def test_a_source_is_tested_looked_at_and_loaded_from_the_form(as_role, live, outside):
    page = as_role("Admin")
    page.goto(f"{live}/app/new")
    page.get_by_label("HTTP").check()
    page.get_by_label("Address").locator("visible=true").fill("http://169.254.169.254/x.csv")
    page.get_by_role("button", name="Test connection").click()
    page.locator("[data-tested].problem", has_text="may not be fetched from").wait_for()
    page.get_by_label("Address").locator("visible=true").fill(f"http://127.0.0.1:{outside.http}/infor_inventory.txt")
    page.get_by_label("Address").locator("visible=true").blur()
    assert page.get_by_label("Dataset").locator("visible=true").input_value() == "infor_inventory"
    page.get_by_role("button", name="Test connection").click()
    page.locator("[data-tested].notice", has_text="It works").wait_for()
    page.get_by_role("button", name="Look at the first rows").click()
    page.locator("[data-look-result] table").wait_for()
    page.locator("[data-options] summary").click()
    page.get_by_label("Load even if").check()
    page.get_by_role("button", name="Load", exact=True).click()
    wait_for(page, "SUCCESS")
    assert "12E5" in page.locator("main").inner_text()
    assert [text for text in page.complaints if "400" not in text] == []


def test_a_viewer_sees_everything_and_no_action(as_role, live, jobs):
    page = as_role("Viewer")
    for name in ("good", "failed"):
        page.goto(f"{live}/app/jobs/{jobs[name]['job_id']}")
        buttons = [button for button in page.locator("main button").all() if button.is_visible()]
        assert buttons == []
        assert page.locator("[data-download]").count() == 0
    page.goto(f"{live}/app/jobs")
    assert page.locator("tbody tr").count() >= 4
    assert page.locator("main input[type=checkbox]").count() == 0
    assert page.goto(f"{live}/app/new").status == 403
    assert "Your role does not include this" in page.locator("main").inner_text()


def test_files_of_a_job_are_downloaded_through_the_app(as_role, live, jobs, api):
    page = as_role("Operator")
    page.goto(f"{live}/app/jobs/{jobs['good']['job_id']}")
    for label, name in (("raw file", "GL 2026.csv"), ("Parquet", f"{jobs['good']['dataset']}-")):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=f"Download the {label}").click()
        assert waiting.value.suggested_filename.startswith(name)
    whole = api("Operator").get(f"/jobs/{jobs['good']['job_id']}/parquet").content
    assert waiting.value.path().read_bytes() == whole
    assert page.complaints == []


def test_the_log_is_searched_and_narrowed(as_role, live, jobs):
    page = as_role("Viewer")
    page.goto(f"{live}/app/jobs/{jobs['good']['job_id']}")
    lines = page.locator("#events [data-lines] li:visible")
    page.get_by_label("Search the log").fill("SHA-256")
    assert 0 < lines.count() < page.locator("#events [data-lines] li").count()
    assert all("SHA-256" in text for text in lines.all_inner_texts())
    page.get_by_label("Search the log").fill("no line has this")
    assert page.get_by_text("No line matches.").is_visible()
    page.get_by_label("Search the log").fill("")
    page.get_by_label("Level").select_option("error")
    assert lines.count() == 0


def test_times_are_those_of_the_reader(as_role, live, jobs):
    shown = []
    for zone in ("Asia/Tokyo", "America/New_York"):
        page = as_role("Viewer", timezone_id=zone)
        page.goto(f"{live}/app/jobs/{jobs['good']['job_id']}")
        until(page, "document.querySelector('time').title !== ''")
        shown.append(page.locator("#job time").first.inner_text())
    hours = [int(re.search(r"(\d\d):\d\d", text)[1]) for text in shown]
    assert (hours[0] - hours[1]) % 24 in {13, 14}
