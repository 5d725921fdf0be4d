"""A line between a session and its exchange that a test can cut: by hand, or when certain words pass."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

PART = 65_536


class Relay:
    """Listens on loopback and hands everything on to ``port``, which may become another."""

    def __init__(self, port: int) -> None:
        self.target, self.cut_at = port, b""
        """``cut_at``: a request with these words is not handed on, and the line is cut from then on."""
        self.is_cut, self.cuts = threading.Event(), 0
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self._lines: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return  # the test is over
            if self.is_cut.is_set():
                line.close()
                continue
            try:
                venue = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                line.close()
                continue
            self._lines += [line, venue]
            threading.Thread(target=self._hand_on, args=(line, venue, True), daemon=True).start()
            threading.Thread(target=self._hand_on, args=(venue, line, False), daemon=True).start()

    def _hand_on(self, source: socket.socket, other: socket.socket, is_request: bool) -> None:
        with suppress(OSError):
            while part := source.recv(PART):
                if is_request and self.cut_at and self.cut_at in part:
                    self.cut()
                    return
                other.sendall(part)
        for one in (source, other):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Every line is dead, and no new one is made."""
        self.is_cut.set()
        self.cut_at, self.cuts = b"", self.cuts + 1
        lines, self._lines = self._lines, []
        for one in lines:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def heal(self, port: int = 0) -> None:
        """New lines are made again."""
        self.target = port or self.target
        self.is_cut.clear()

    def close(self) -> None:
        """Done."""
        self.cut()
        self._door.close()
