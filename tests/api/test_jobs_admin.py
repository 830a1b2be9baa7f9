"""Jobs in the Django admin: a file that is loaded already is loaded again after a question."""

from __future__ import annotations

import uuid

from tests.api.test_connections_admin import browse, send  # noqa: F401  (a fixture)
from tests.api.test_jobs import upload


def test_a_file_that_is_loaded_already_is_loaded_again_when_an_admin_confirms_it(browse, api, ended):  # noqa: F811
    dataset = f"t_{uuid.uuid4().hex[:12]}"
    first, second = (ended(upload(api("Operator"), b"a,b\n1,2\n", dataset=dataset).json()["job_id"]) for _ in range(2))
    assert first["status"] == "SUCCESS"
    assert second["error"]["code"] == "ALREADY_LOADED"
    admin, here = browse("Admin"), f"/admin/ingestion/jobrow/{second['job_id']}/change/"
    assert "Load again all the same" not in admin.get(here.replace(second["job_id"], first["job_id"])).text
    asked = send(admin, here, action="load_again")
    assert "even if their rows are in the dataset already" in asked
    send(admin, "/admin/ingestion/jobrow/", action="load_again", _selected_action=second["job_id"], confirmed="yes")
    assert ended(second["job_id"])["status"] == "SUCCESS"
