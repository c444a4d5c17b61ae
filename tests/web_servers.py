"""The web servers that protect things in the world, started on loopback with what protects them: nginx and Apache."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.free_ports import find_free_ports

START_SECONDS = 20.0
USER, PASSWORD, REALM = "checker", "canary-é p:w", "the realm"

_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 100; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder}; root {folder}/www;
  server {{ listen 127.0.0.1:{plain}; auth_basic "{realm}"; auth_basic_user_file {folder}/users; }}
  server {{
    listen 127.0.0.1:{encrypted} ssl; ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
    ssl_client_certificate {folder}/authority.pem; ssl_verify_client on;
  }}
}}
"""
_APACHE = """
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
DefaultRuntimeDir {folder}
{modules}
User www-data
Group www-data
DocumentRoot {folder}/www
<Directory {folder}/www>
  AuthType Digest
  AuthName "{realm}"
  AuthDigestProvider file
  AuthUserFile {folder}/digests
  Require valid-user
</Directory>
"""
_PROXY = """
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/proxy.pid
ErrorLog {folder}/proxy.log
DefaultRuntimeDir {folder}
{modules}
User www-data
Group www-data
ProxyRequests On
ProxyTimeout 2
AllowCONNECT {tunnels}
"""
_PROXY_MODULES = ("mpm_event", "authz_core", "proxy", "proxy_http", "proxy_connect")
_MODULES = ("mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_digest", "dir")


@contextmanager
def run_nginx(folder: Path, authority: trustme.CA) -> Iterator[tuple[str, str]]:
    """Protect a page by basic authentication and one by a client certificate; gives both URLs."""
    plain, encrypted = find_free_ports(2)
    _write_page(folder)
    salted = b64encode(hashlib.sha1(PASSWORD.encode() + b"salt").digest() + b"salt").decode()
    (folder / "users").write_text(f"{USER}:{{SSHA}}{salted}\n")
    leaf = authority.issue_cert("localhost")
    (folder / "server.pem").write_bytes(leaf.cert_chain_pems[0].bytes())
    (folder / "server.key").write_bytes(leaf.private_key_pem.bytes())
    (folder / "authority.pem").write_bytes(authority.cert_pem.bytes())
    text = _NGINX.format(folder=folder, plain=plain, encrypted=encrypted, realm=REALM)
    (folder / "nginx.conf").write_text(text)
    with run_child("nginx", ["-c", str(folder / "nginx.conf")], plain):
        yield f"http://127.0.0.1:{plain}/", f"https://localhost:{encrypted}/"


@contextmanager
def run_apache(folder: Path) -> Iterator[str]:
    """Protect a page by digest authentication; gives its URL."""
    [port] = find_free_ports(1)
    _write_page(folder)
    digest = hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode()).hexdigest()
    (folder / "digests").write_text(f"{USER}:{REALM}:{digest}\n")
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in _MODULES)
    text = _APACHE.format(folder=folder, port=port, realm=REALM, modules=modules)
    (folder / "apache.conf").write_text(text)
    # One process that does not detach, so that nothing outlives it.
    with run_child("apache2", ["-X", "-f", str(folder / "apache.conf")], port):
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def run_proxy(folder: Path, *tunnels: int) -> Iterator[str]:
    """Forward requests, and open tunnels to these ports alone; gives the proxy's URL."""
    [port] = find_free_ports(1)
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in _PROXY_MODULES)
    text = _PROXY.format(folder=folder, port=port, modules=modules, tunnels=" ".join(map(str, tunnels)))
    (folder / "proxy.conf").write_text(text)
    with run_child("apache2", ["-X", "-f", str(folder / "proxy.conf")], port):
        yield f"http://127.0.0.1:{port}"


def _write_page(folder: Path) -> None:
    (folder / "www").mkdir()
    (folder / "www" / "index.html").write_text("inside")
    # The servers' own users read it, too: the whole way there, which is longer where tests run in several processes.
    temporary = Path(tempfile.gettempdir())
    for each in (folder, *(parent for parent in folder.parents if temporary in parent.parents)):
        each.chmod(each.stat().st_mode | 0o055)


@contextmanager
def run_child(name: str, arguments: list[str], port: int) -> Iterator[None]:
    """Run a server that does not detach, until it is stopped; it listens before the block begins, no longer after."""
    program = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip(f"{name} is not installed")
    process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _wait_for(process, port)
        yield
    finally:
        process.terminate()
        try:
            process.communicate(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            # It waits for a connection that nobody ends; what it has to say has been said.
            process.kill()
            process.communicate()
        _wait_until_refused(port)


def _wait_until_refused(port: int) -> None:
    """Wait for what a server started: its children share its listening socket, and end after it."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return
        except OSError:
            # Reset or silent: somebody still holds the port.
            pass
        time.sleep(0.02)
    raise AssertionError(f"port {port} is still listened on")


def _wait_for(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    process.kill()
    raise AssertionError(process.communicate()[1])
