"""The preview: serves the report, makes it again after a change, tells what is wrong, and ends without a trace."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from forces import write_force

from cdi_lib.inspection.folders import PROJECT


def get(address, **headers):
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as answer:
        return answer.read().decode()


class Preview:
    """A preview of a small force in a process of its own."""

    def __init__(self, folder):
        self.folder = folder
        write_force(folder / "params", "testshire")
        environment = os.environ | {"CDI_PARAMS": str(folder / "params"), "CDI_REPORTS": str(folder / "reports")}
        command = [sys.executable, "-m", "cdi_lib", "preview", "--force=testshire", "--renderer=pandoc"]
        self.process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)
        self.address = re.match(r"(http://127.0.0.1:\d+)/", self.process.stdout.readline())[1]
        self.number = 0

    def news(self):
        """What a page is told when a build has ended."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            told = json.loads(get(f"{self.address}/news/{self.number}"))
            is_new, self.number = told["number"] > self.number, told["number"]
            if is_new and not told["building"]:
                return told["problems"]
        raise AssertionError("no build has ended")


@pytest.fixture
def preview(tmp_path):
    running = Preview(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()


@pytest.mark.stress
def test_it_follows_what_is_edited_and_keeps_the_last_good_report(preview):
    assert preview.news() == []
    assert "<iframe" in get(f"{preview.address}/")
    page = f"{preview.address}/index.html"
    assert "Recording rates" in get(page) or "recorded" in get(page)
    text = preview.folder / "params" / "testshire" / "text"
    text.mkdir()
    (text / "violence.md").write_text("## Violence\n\nWords of a new kind.\n")
    assert preview.news() == [] and "Words of a new kind." in get(page)
    (text / "violence.md").write_text("## Violence\n\n{{ estimat('violence') }}\n")
    [wrong] = preview.news()
    assert "text/violence.md, line 3" in wrong and "estimat" in wrong
    assert "Words of a new kind." in get(page)
    (text / "violence.md").unlink()
    assert preview.news() == [] and "Words of a new kind." not in get(page)
    for address, headers in ((page, {"Host": "elsewhere.example.org"}), (f"{preview.address}/notebooks/", {})):
        with pytest.raises(urllib.error.HTTPError):
            get(address, **headers)
    parameters = preview.folder / "params" / "testshire.yml"
    sound = parameters.read_text()
    parameters.write_text(sound + "broken: [\n")
    assert "params/testshire.yml" in " ".join(preview.news())
    parameters.unlink()
    assert "no such file" in " ".join(preview.news())
    parameters.write_text(sound)
    assert preview.news() == []
    before = (preview.folder / "reports" / "testshire" / "index.html").read_bytes()
    preview.process.send_signal(signal.SIGINT)
    assert preview.process.wait(timeout=20) == 0
    assert "Traceback" not in preview.process.stdout.read()
    assert [path.name for path in (preview.folder / "reports").iterdir()] == ["testshire"]
    assert (preview.folder / "reports" / "testshire" / "index.html").read_bytes() == before
