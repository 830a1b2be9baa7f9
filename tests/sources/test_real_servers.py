"""Each protocol against servers of other makers: byte for byte, and every fault by its name."""

from __future__ import annotations

import os
import subprocess
import threading
import time

import pytest

from ingestion.sources import errors, parse_source
from ingestion.sources.base import Limits, Version
from ingestion.sources.guard import GuardPolicy
from tests.sources import servers

LIMITS = Limits(
    policy=GuardPolicy(allow_cidrs=("127.0.0.0/8", "::1/128")), connect_timeout_s=5, read_timeout_s=5, backoff_s=0.01
)
ORDERS = b"id;amount\n000123;1.10\n"
SETTLED = {"stable_s": 0}  # the files are made for the tests: nobody still writes them
LOGIN = {"username": servers.USER, "password": servers.PASSWORD}


def fetch(spec: dict) -> bytes:
    with parse_source(spec).open(LIMITS) as fetched:
        return b"".join(fetched.chunks)


def ftp(farm, kind: str, **more) -> dict:
    """A source of a server's file; vsftpd has anonymous users, the others the account."""
    spec = {"type": "ftp", "host": "127.0.0.1", "port": farm.port(kind), "path": "/orders.csv", "settle": SETTLED}
    maker, _, mode = kind.partition("-")
    if mode in {"explicit", "implicit"}:
        spec |= {"tls": mode, "ca": farm.ca}
    if maker == "proftpd":
        spec |= LOGIN | {"path": f"{farm.files}/orders.csv"}
    if mode == "sftp" or maker == "sshd":
        spec |= {"protocol": "sftp", "host_key": " ".join((farm.home / "host_key.pub").read_text().split()[:2])}
    if maker == "sshd":
        key = (farm.home / "client_key").read_text()
        spec |= {
            "username": "root",
            "private_key": key,
            "passphrase": "open sesame",
            "path": f"{farm.files}/orders.csv",
        }
    return spec | more


FILE_SERVERS = [
    "vsftpd", "vsftpd-explicit", "vsftpd-implicit", "proftpd", "proftpd-explicit", "proftpd-implicit", "proftpd-sftp", "sshd",
]  # fmt: skip


@pytest.mark.parametrize("kind", FILE_SERVERS)
def test_a_file_comes_byte_for_byte(farm, kind):
    assert fetch(ftp(farm, kind)) == ORDERS
    big = ftp(farm, kind)["path"].replace("orders.csv", "big.bin")
    assert fetch(ftp(farm, kind, path=big)) == (farm.files / "big.bin").read_bytes()


@pytest.mark.parametrize("kind", FILE_SERVERS)
def test_a_missing_file_is_named(farm, kind):
    with pytest.raises(errors.SourceFileMissing) as fault:
        fetch(ftp(farm, kind, path=ftp(farm, kind)["path"] + ".not"))
    assert not fault.value.retryable
    assert servers.PASSWORD not in str(fault.value)


@pytest.mark.parametrize("kind", ["vsftpd", "proftpd", "proftpd-sftp"])
def test_a_file_without_the_right_to_read_is_denied(farm, kind):
    path = ftp(farm, kind)["path"].replace("orders", "secret")
    with pytest.raises(errors.SourceDenied) as fault:
        fetch(ftp(farm, kind, path=path))
    assert fault.value.code == "SOURCE_DENIED"


@pytest.mark.parametrize("kind", ["proftpd", "proftpd-explicit", "proftpd-sftp"])
def test_a_wrong_password_is_refused_and_not_told(farm, kind):
    with pytest.raises(errors.SourceLoginRefused) as fault:
        fetch(ftp(farm, kind, password="wr0ng-secret"))
    assert fault.value.code == "SOURCE_LOGIN"
    assert "wr0ng" not in str(fault.value)


@pytest.mark.parametrize("kind", ["vsftpd-explicit", "proftpd-implicit"])
def test_a_certificate_of_an_unknown_authority_is_refused(farm, kind):
    with pytest.raises(errors.TlsRefused):
        fetch(ftp(farm, kind, ca=""))


def test_a_certificate_for_another_name_is_refused(farm):
    with pytest.raises(errors.TlsRefused, match="localhost"):
        fetch(ftp(farm, "proftpd-explicit", host="localhost"))


def test_another_host_key_than_the_pinned_one_is_refused_before_the_password_is_sent(farm):
    for pinned in ("", "SHA256:AAAA"):
        with pytest.raises(errors.HostKeyRefused) as fault:
            fetch(ftp(farm, "proftpd-sftp", host_key=pinned))
    shown = fault.value.hint.split()[4].rstrip(",")
    assert fetch(ftp(farm, "proftpd-sftp", host_key=shown)) == ORDERS


def test_a_pinned_key_of_a_kind_that_the_server_does_not_prefer_is_asked_for(farm):
    """OpenSSH has an Ed25519 and an RSA key, and would show the first; the administrator has pinned the second."""
    public = (farm.home / "host_key_rsa.pub").read_text()
    told = subprocess.run(
        ["ssh-keygen", "-lf", farm.home / "host_key_rsa.pub"], capture_output=True, text=True, check=True
    )
    known_hosts = f"sftp.example.com {public}".strip()
    for pinned in (" ".join(public.split()[:2]), known_hosts, told.stdout.split()[1]):
        assert fetch(ftp(farm, "sshd", host_key=pinned)) == ORDERS


def test_a_locked_key_needs_its_passphrase(farm):
    for phrase in ("", "wrong"):
        with pytest.raises(errors.SourceInvalid, match="passphrase"):
            fetch(ftp(farm, "sshd", passphrase=phrase))


# ---- folders ----


@pytest.fixture
def folder(farm):
    """A fresh folder for the servers, with three orders and what must not be listed."""
    made = farm.files / f"in-{time.time_ns()}"
    made.mkdir()
    made.chmod(0o777)
    for number, age_s in (("1", 300), ("2", 200), ("3", 100)):
        (made / f"ORD_{number}.csv").write_text(number)
        then = time.time() - age_s
        os.utime(made / f"ORD_{number}.csv", (then, then))
    (made / "ORD_4.csv.part").write_text("half")
    (made / "other.txt").write_text("x")
    (made / "ORD_dir.csv").mkdir()
    return made


def listing(farm, kind: str, folder, **more) -> dict:
    path = f"/{folder.name}" if kind == "vsftpd" else str(folder)
    return ftp(farm, kind, path=path, pattern="ORD_*.csv", **more)


@pytest.mark.parametrize("kind", ["vsftpd", "proftpd", "proftpd-explicit", "sshd"])
def test_a_pattern_lists_matching_files_oldest_first_and_each_can_be_fetched(farm, folder, kind):
    spec = listing(farm, kind, folder)
    entries = parse_source(spec).entries(LIMITS)
    assert [entry.name for entry in entries] == ["ORD_1.csv", "ORD_2.csv", "ORD_3.csv"]
    assert [fetch(spec | dict(entry.changes)) for entry in entries] == [b"1", b"2", b"3"]
    assert len(parse_source(spec).probe(LIMITS)) == 3
    since = entries[1].version.modified.isoformat()
    assert [entry.name for entry in parse_source(spec | {"since": since}).entries(LIMITS)] == ["ORD_3.csv"]
    with pytest.raises(errors.SourceAmbiguous):
        fetch(spec)
    by_path = {name: value for name, value in spec.items() if name != "pattern"}
    by_path["path"] = f"{spec['path'].rstrip('/')}/ORD_*.csv"
    assert [entry.name for entry in parse_source(by_path).entries(LIMITS)] == ["ORD_1.csv", "ORD_2.csv", "ORD_3.csv"]


def test_a_url_of_ftp_begins_in_the_users_folder_and_two_slashes_at_the_root(farm):
    where = f"ftp://{servers.USER}:{servers.PASSWORD}@127.0.0.1:{farm.port('proftpd')}"
    (farm.files / "what?.csv").write_bytes(b"?")
    assert fetch({"type": "ftp", "url": f"{where}/orders.csv", "settle": SETTLED}) == ORDERS
    assert fetch({"type": "ftp", "url": f"{where}/{farm.files}/orders.csv", "settle": SETTLED}) == ORDERS
    assert parse_source({"type": "ftp", "url": f"{where}/what?.csv"}).entries(LIMITS)[0].name == "what?.csv"
    with pytest.raises(errors.SourceInvalid, match="%23"):
        parse_source({"type": "ftp", "url": f"{where}/a#1.csv"})


def test_a_file_is_fetched_only_when_it_is_old_enough_and_its_flag_is_there(farm, folder):
    young = listing(farm, "proftpd", folder, settle=SETTLED | {"min_age_s": 150})
    assert [entry.name for entry in parse_source(young).entries(LIMITS)] == ["ORD_1.csv", "ORD_2.csv"]
    flagged = {"settle": SETTLED | {"done_flag": ".done"}}
    one = ftp(farm, "proftpd", path=f"{folder}/ORD_1.csv", **flagged)
    with pytest.raises(errors.SourceUnsettled):
        fetch(one)
    (folder / "ORD_1.csv.done").touch()
    assert fetch(one) == b"1"
    assert [entry.name for entry in parse_source(listing(farm, "proftpd", folder, **flagged)).entries(LIMITS)] == [
        "ORD_1.csv"
    ]


@pytest.mark.parametrize("kind", ["proftpd", "sshd"])
def test_a_file_that_grows_is_not_taken(farm, folder, kind):
    growing = folder / "ORD_1.csv"
    spec = ftp(farm, kind, path=str(growing))
    with parse_source(spec).open(LIMITS) as fetched:
        growing.write_text("grown while it was fetched")
        with pytest.raises(errors.SourceChanged):
            b"".join(fetched.chunks)


def test_a_fresh_file_is_looked_at_twice_without_being_asked(farm, folder):
    growing = folder / "ORD_new.csv"
    growing.write_text("1")
    spec = ftp(farm, "proftpd", path=str(growing)) | {"settle": {}}
    written = threading.Event()

    def grow():
        while not written.wait(0.1):
            with growing.open("a") as file:
                file.write("2")

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        with pytest.raises(errors.SourceUnsettled):
            fetch(spec)
    finally:
        written.set()
        writer.join()
    os.utime(growing, (time.time() - 300,) * 2)
    assert fetch(spec) == growing.read_bytes()


@pytest.mark.parametrize("kind", ["proftpd", "sshd"])
def test_an_archived_file_of_the_same_name_stays_and_the_flag_goes_with_its_file(farm, folder, kind):
    (folder / "done").mkdir()
    (folder / "done").chmod(0o777)
    (folder / "done/ORD_1.csv").write_text("an older one")
    (folder / "ORD_1.csv.done").touch()
    after = {"move": f"{folder}/done"}
    made = parse_source(
        ftp(farm, kind, path=str(folder / "ORD_1.csv"), after=after, settle=SETTLED | {"done_flag": ".done"})
    )
    version = made.entries(LIMITS)[0].version
    made.after_publish(LIMITS, version)
    assert (folder / "done/ORD_1.csv").read_text() == "an older one"
    assert [path.read_text() for path in (folder / "done").glob("ORD_1.csv.2*")] == ["1"]
    assert not (folder / "ORD_1.csv.done").exists()


@pytest.mark.parametrize("kind", ["proftpd", "sshd"])
def test_an_archive_that_is_not_there_is_said_and_the_file_stays(farm, folder, kind):
    made = parse_source(ftp(farm, kind, path=str(folder / "ORD_1.csv"), after={"move": f"{folder}/nowhere"}))
    with pytest.raises(errors.SourceError):
        made.after_publish(LIMITS, made.entries(LIMITS)[0].version)
    assert (folder / "ORD_1.csv").exists()


@pytest.mark.parametrize("kind", ["proftpd", "sshd"])
def test_a_published_file_is_moved_or_deleted_once_and_a_changed_one_stays(farm, folder, kind):
    def source(name: str, after):
        return parse_source(ftp(farm, kind, path=str(folder / name), after=after))

    (folder / "done").mkdir()
    (folder / "done").chmod(0o777)
    for name, after in (("ORD_1.csv", {"move": f"{folder}/done"}), ("ORD_2.csv", "delete")):
        made = source(name, after)
        version = made.entries(LIMITS)[0].version
        made.after_publish(LIMITS, version)
        made.after_publish(LIMITS, version)
        assert not (folder / name).exists()
    assert (folder / "done/ORD_1.csv").read_text() == "1"
    with pytest.raises(errors.SourceChanged):
        source("ORD_3.csv", "delete").after_publish(LIMITS, Version(size=99))
    assert (folder / "ORD_3.csv").exists()


# ---- nginx and ncat ----


def web(farm, path: str, **more) -> dict:
    return {"type": "http", "url": f"http://127.0.0.1:{farm.port('nginx')}{path}"} | more


def test_nginx_serves_plain_signed_in_redirected_and_by_tls(farm):
    assert fetch(web(farm, "/orders.csv")) == ORDERS
    assert fetch(web(farm, "/private/orders.csv", auth=LOGIN)) == ORDERS
    assert fetch(web(farm, "/moved/orders.csv", auth=LOGIN)) == ORDERS
    address = f"https://127.0.0.1:{farm.port('nginx-tls')}/orders.csv"
    assert fetch({"type": "http", "url": address, "ca": farm.ca}) == ORDERS
    with pytest.raises(errors.TlsRefused):
        fetch({"type": "http", "url": address})
    with pytest.raises(errors.TlsRefused, match="localhost"):
        fetch({"type": "http", "url": address.replace("127.0.0.1", "localhost"), "ca": farm.ca})


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/private/orders.csv", errors.SourceLoginRefused), ("/forbidden", errors.SourceDenied),
        ("/nothing", errors.SourceFileMissing), ("/inside", errors.BlockedAddress),
    ],
)  # fmt: skip
def test_nginx_refusals_have_their_names(farm, path, kind):
    with pytest.raises(kind) as fault:
        fetch(web(farm, path))
    assert fault.value.code == kind.code


def test_too_many_requests_keep_when_to_come_back(farm):
    source = parse_source(web(farm, "/limited"))
    short = Limits(policy=LIMITS.policy, deadline_s=5)
    with pytest.raises(errors.SourceBusy) as fault, source.open(short):
        pass
    assert fault.value.retry_after_s == 7
    assert fault.value.retryable


@pytest.fixture
def ncat(farm):
    """Serve bytes by ncat, with TLS if a certificate is named."""
    started = []

    def serve(certificate: str = "") -> int:
        port = servers.free_port()
        tls = ["--ssl-cert", f"{farm.home}/{certificate}.pem", "--ssl-key", f"{farm.home}/{certificate}.key"]
        command = ["ncat", "-l", "127.0.0.1", port, "--send-only", "-k", *((["--ssl", *tls]) if certificate else [])]
        command += ["--sh-exec", f"cat {farm.files}/orders.csv"]
        context = servers.running(command, port)
        started.append(context)
        return context.__enter__()

    yield serve
    for context in started:
        context.__exit__(None, None, None)


def test_tcp_with_and_without_tls(farm, ncat):
    assert fetch({"type": "tcp", "host": "127.0.0.1", "port": ncat()}) == ORDERS
    port = ncat("server")
    spec = {"type": "tcp", "host": "127.0.0.1", "port": port, "tls": True, "ca": farm.ca}
    assert fetch(spec) == ORDERS
    with pytest.raises(errors.TlsRefused):
        fetch(spec | {"ca": ""})
    assert "TLS" in parse_source(spec).probe(LIMITS)[0]


def test_an_expired_certificate_is_refused(farm, ncat):
    with pytest.raises(errors.TlsRefused, match="expired"):
        fetch({"type": "tcp", "host": "127.0.0.1", "port": ncat("expired"), "tls": True, "ca": farm.ca})
