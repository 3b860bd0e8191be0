"""The report in a browser, made again by itself when something that it is made from changes.

A page around the report asks for news, reloads it and keeps the place; it shows what is wrong, while the last good report
stays. The files of the report are served as they are. Only this machine can reach the server.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cdi_lib.inspection.folders import PROJECT, reports_folder
from cdi_lib.pipeline import fingerprint
from cdi_lib.pipeline.runner import build_all

ADDRESS = "127.0.0.1"
SECONDS = 0.3  # between two looks at the files
WAIT_SECONDS = 20  # for news, before a page asks again
PAGE = PROJECT / "reports" / "preview.html"
State = dict[Path, tuple[int, int]]


@dataclass
class News:
    """What a page is told: the number of the state, whether a build is under way, and what is wrong."""

    number: int = 0
    building: bool = False
    problems: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def tell(self, building: bool, problems: list[str]) -> None:
        """Tell all pages that wait."""
        with self.changed:
            self.number, self.building, self.problems = self.number + 1, building, problems
            self.changed.notify_all()

    def after(self, number: int) -> bytes:
        """The news after those of this number, as JSON; waits for them for a while."""
        with self.changed:
            self.changed.wait_for(lambda: self.number > number, WAIT_SECONDS)
            told = {"number": self.number, "building": self.building, "problems": self.problems}
        return json.dumps(told).encode()


class _Handler(SimpleHTTPRequestHandler):
    """Serves the page around the report, the news, and the files of the report."""

    def __init__(self, news: News, folder: Path, *arguments: Any):
        self.news = news
        super().__init__(*arguments, directory=str(folder))

    def do_GET(self) -> None:
        host = (self.headers.get("Host") or "").partition(":")[0]
        if host not in (ADDRESS, "localhost"):  # another name for this machine: somebody's page asks
            self.send_error(403)
        elif self.path == "/":
            self._send(PAGE.read_bytes(), "text/html; charset=utf-8")
        elif self.path.startswith("/news/") and self.path.removeprefix("/news/").isdecimal():
            self._send(self.news.after(int(self.path.removeprefix("/news/"))), "application/json")
        else:
            super().do_GET()

    def list_directory(self, path: Any) -> None:
        """None: what lies in a folder is nobody's page."""
        self.send_error(404)

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: what is asked for is nobody's news."""


def watched(force: str) -> State:
    """Time and size of everything that the report of a force is made from, but for the library."""
    code = [path for pattern in fingerprint.PROJECT_CODE for path in PROJECT.glob(pattern)]
    paths = [*code, *(path for _, part in fingerprint.force_paths(force) for path in part)]
    found: State = {}
    for path in paths:
        if path.name[0] not in ".~":
            with contextlib.suppress(OSError):  # saved by renaming just now
                stat = path.stat()
                found[path] = (stat.st_mtime_ns, stat.st_size)
    return found


def preview(force: str, renderer: str, port: int, say: Callable[[str], None]) -> None:
    """Serve the report of a force and make it again when something changes, until interrupted.

    OSError for a port that is taken (0: any that is free).
    """
    news = News()
    server = ThreadingHTTPServer((ADDRESS, port), partial(_Handler, news, reports_folder() / force))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(f"http://{ADDRESS}:{server.server_port}/  (Ctrl-C ends it)")
    try:
        before: State = {}
        while True:
            if (now := watched(force)) != before:
                before = now
                _build(force, renderer, news, say)
            time.sleep(SECONDS)
    finally:
        server.shutdown()
        server.server_close()


def _build(force: str, renderer: str, news: News, say: Callable[[str], None]) -> None:
    """Make the report again, as far as it must be, and tell how it went."""
    for known in (fingerprint.code_files, fingerprint.code_digest, fingerprint.commit):
        known.cache_clear()
    news.tell(True, [])
    start = time.monotonic()
    try:
        [outcome] = build_all([force], renderer=renderer)
    except OSError as error:  # a file that was there a moment ago: the next look at the files finds how it ended
        news.tell(False, [f"{error.filename}: {error.strerror}"])
        return
    wrong = [*([outcome.message] if not outcome.is_whole and outcome.message else []), *map(str, outcome.problems)]
    news.tell(False, [] if outcome.is_whole else wrong)
    for line in wrong:
        say(line)
    if outcome.is_whole:
        say(f"{force}: {outcome.status} in {time.monotonic() - start:.1f} s")
