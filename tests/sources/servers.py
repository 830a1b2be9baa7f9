"""Real servers of other makers on the loopback address, and a proxy of our own that cuts connections."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

USER, PASSWORD = "erp", "export"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def running(command: list, port: int):
    """Run a server in the foreground until it listens, and end it afterwards."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for _ in range(100):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended: {process.stdout.read().decode()}")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def certificate(folder: Path, name: str, issuer=None, *, days: int = 30):
    """Make a key and a certificate for 127.0.0.1; without an issuer, an authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=not issuer, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(issuer[0] if issuer else key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / f"{name}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return key, made


VSFTPD = """
listen=YES
listen_port={port}
listen_address=127.0.0.1
background=NO
anonymous_enable=YES
local_enable=NO
no_anon_password=NO
anon_root={home}/files
ftp_username=bin
secure_chroot_dir={home}/empty
seccomp_sandbox=NO
ssl_enable={tls}
implicit_ssl={implicit}
allow_anon_ssl=YES
force_anon_logins_ssl={tls}
force_anon_data_ssl={tls}
rsa_cert_file={home}/server.pem
rsa_private_key_file={home}/server.key
"""

PROFTPD = """
ServerType standalone
ServerName test
Port 0
UseIPv6 off
User root
Group root
PidFile {home}/proftpd-{port}.pid
ScoreboardFile {home}/proftpd-{port}.score
DelayEngine off
WtmpLog off
TransferLog none
LoadModule mod_tls.c
LoadModule mod_sftp.c
<VirtualHost 127.0.0.1>
Port {port}
User root
Group root
AuthOrder mod_auth_file.c
AuthUserFile {home}/passwd
RequireValidShell off
AllowRetrieveRestart on
AllowOverwrite on
{engine}
</VirtualHost>
"""
ENGINES = {
    "ftp": "",
    "explicit": "TLSEngine on\nTLSRequired on\nTLSRSACertificateFile {home}/server.pem\n"
    "TLSRSACertificateKeyFile {home}/server.key",
    "sftp": "SFTPEngine on\nSFTPHostKey {home}/host_key\nSFTPAuthMethods password",
}
ENGINES["implicit"] = ENGINES["explicit"] + "\nTLSOptions UseImplicitSSL"

SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {home}/host_key
HostKey {home}/host_key_rsa
AuthorizedKeysFile {home}/client_key.pub
PermitRootLogin yes
PasswordAuthentication no
StrictModes no
UsePAM no
PidFile {home}/sshd.pid
Subsystem sftp internal-sftp
"""

NGINX = """
daemon off; user root; pid {home}/nginx.pid; error_log {home}/nginx.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {home}/body; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
  uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{
    listen 127.0.0.1:{port};
    listen 127.0.0.1:{tls_port} ssl;
    ssl_certificate {home}/server.pem; ssl_certificate_key {home}/server.key;
    root {home}/files;
    location /private/ {{ alias {home}/files/; auth_basic erp; auth_basic_user_file {home}/htpasswd; }}
    location /moved/ {{ rewrite ^/moved/(.*)$ /private/$1 redirect; }}
    location /inside {{ return 302 http://169.254.169.254/latest/; }}
    location /limited {{ add_header Retry-After 7 always; return 429; }}
    location /forbidden {{ return 403; }}
    location /token {{ default_type application/json; return 200 '{{"access_token": "t0k"}}'; }}
    location /noranges/ {{ alias {home}/files/; max_ranges 0; }}
  }}
}}
"""


class CuttingProxy:
    """Forwards to a port and cuts connections after so many bytes from the server: one cut a list entry.

    For FTP it also leads the data connections through itself, and then cuts only those.
    """

    def __init__(self, port: int, cuts: list[int], *, ftp: bool = False) -> None:
        self.cuts, self.ftp, self.made = cuts, ftp, 0
        self._target = port
        self.port = self._listen(port, data=not ftp)

    def _listen(self, target: int, *, data: bool) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, args=(listener, target, data), daemon=True).start()
        return listener.getsockname()[1]

    def _accept(self, listener: socket.socket, target: int, data: bool) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", target))
                left = self.cuts.pop(0) if data and self.cuts else None
                threading.Thread(target=self._up, args=(client, server), daemon=True).start()
                threading.Thread(target=self._down, args=(server, client, left, data), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while chunk := client.recv(65536):
                server.sendall(chunk)
            server.shutdown(socket.SHUT_WR)

    def _down(self, server: socket.socket, client: socket.socket, left: int | None, data: bool) -> None:
        with suppress(OSError):
            while chunk := server.recv(65536 if left is None else min(65536, left)):
                if not data:
                    chunk = re.sub(rb"\(\|\|\|(\d+)\|\)", self._led, chunk)
                client.sendall(chunk)
                left = None if left is None else left - len(chunk)
                if left == 0:
                    self.made += 1
                    break
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # wakes the other thread, which a close alone would not
            end.close()

    def _led(self, found: re.Match) -> bytes:
        return b"(|||%d|)" % self._listen(int(found.group(1)), data=True)
