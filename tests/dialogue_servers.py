"""The servers of ready-made dialogues, started on loopback: memcached, OpenSSH, vsftpd, Dovecot and Postfix."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.free_ports import find_free_ports
from tests.web_servers import run_child

_SSHD = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
PidFile none
UsePAM no
"""
_VSFTPD = """
listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
anonymous_enable=YES
seccomp_sandbox=NO
secure_chroot_dir={folder}
ssl_enable=YES
rsa_cert_file={folder}/server.pem
"""
_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}
log_path = {folder}/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""

_POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = localhost
mydestination =
alias_maps =
alias_database =
maillog_file = /dev/stdout
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/server.pem
"""
_POSTFIX_SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
qmgr unix n - n 300 1 qmgr
cleanup unix n - n - 0 cleanup
showq unix n - n - - showq
"""


def write_certificate(folder: Path, authority: trustme.CA) -> None:
    """Write a certificate for localhost with its key into one file."""
    (folder / "server.pem").write_bytes(authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes())


@contextmanager
def run_memcached() -> Iterator[int]:
    """Gives the port."""
    [port] = find_free_ports(1)
    with run_child("memcached", ["-l", "127.0.0.1", "-p", str(port), "-U", "0", "-u", "nobody"], port):
        yield port


@contextmanager
def run_sshd(folder: Path) -> Iterator[int]:
    """Gives the port."""
    [port] = find_free_ports(1)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "host_key")]
    subprocess.run(command, check=True, timeout=30)
    if os.geteuid() == 0:
        # It parts with its privileges there.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    (folder / "sshd.conf").write_text(_SSHD.format(folder=folder, port=port))
    with run_child("sshd", ["-D", "-e", "-f", str(folder / "sshd.conf")], port):
        yield port


@contextmanager
def run_vsftpd(folder: Path, authority: trustme.CA) -> Iterator[int]:
    """Gives the port."""
    [port] = find_free_ports(1)
    write_certificate(folder, authority)
    (folder / "vsftpd.conf").write_text(_VSFTPD.format(folder=folder, port=port))
    with run_child("vsftpd", [str(folder / "vsftpd.conf")], port):
        yield port


@contextmanager
def run_dovecot(folder: Path, authority: trustme.CA) -> Iterator[tuple[int, int]]:
    """Gives the ports of IMAP and POP3."""
    imap, pop3 = find_free_ports(2)
    write_certificate(folder, authority)
    (folder / "dovecot.conf").write_text(_DOVECOT.format(folder=folder, imap=imap, pop3=pop3))
    with run_child("dovecot", ["-F", "-c", str(folder / "dovecot.conf")], imap):
        yield imap, pop3


@contextmanager
def run_postfix(folder: Path, authority: trustme.CA) -> Iterator[int]:
    """Gives the port. It starts as root alone."""
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root alone")
    [port] = find_free_ports(1)
    write_certificate(folder, authority)
    for name in ("queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    (folder / "main.cf").write_text(_POSTFIX.format(folder=folder))
    (folder / "master.cf").write_text(_POSTFIX_SERVICES.format(port=port))
    with run_child("postfix", ["-c", str(folder), "start-fg"], port):
        try:
            yield port
        finally:
            # Its master has a session of its own, and outlives what started it.
            postfix = shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
            assert postfix is not None
            subprocess.run([postfix, "-c", str(folder), "stop"], check=True, timeout=30, capture_output=True)
