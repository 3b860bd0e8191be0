"""What of a user's surroundings must not reach a build: locale, warnings, settings and caches of libraries."""

import ctypes
import locale
import os
import shutil
import signal
import sys
import tempfile
import warnings
from contextlib import suppress
from multiprocessing.util import Finalize
from pathlib import Path

from cdi_lib.inspection.folders import PROJECT, remove_leftovers
from cdi_lib.inspection.problems import InputError

LONGEST_TMPDIR = 50  # a socket's path has room for about a hundred characters, of which fifty are added


def settle() -> None:
    """Make this process, and those that it starts, independent of the user's settings; InputError where that cannot be."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if os.environ.pop("PYTHONWARNINGS", None) is not None:
        sys.warnoptions.clear()  # which processes would get from this one
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
    os.environ["LC_ALL"] = "C.UTF-8"  # letters are shaped by the language of the locale
    with suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    if "MAKELEVEL" in os.environ:  # the shell of make may be killed: then nobody waits for this any more (Linux)
        with suppress(OSError, AttributeError, TypeError):
            ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    cache = PROJECT / ".cache"
    try:
        Path.home()
    except RuntimeError:  # a user without an entry in the system's list
        os.environ["HOME"] = str(cache / "home")
    for name, folder in (("MPLCONFIGDIR", "matplotlib"), ("IPYTHONDIR", "ipython")):
        with suppress(OSError):  # a project that cannot be written to: the library finds another place
            (cache / folder).mkdir(parents=True, exist_ok=True)
            os.environ[name] = str(cache / folder)
    os.environ.pop("MATPLOTLIBRC", None)
    place = tempfile.gettempdir()
    if hasattr(os, "fork") and len(place) > LONGEST_TMPDIR and not Path(place).name.startswith("cdi-"):
        expected = f"a folder with a shorter name, of at most {LONGEST_TMPDIR} characters, such as TMPDIR=/tmp"
        raise InputError.of("TMPDIR", "", f"{len(place)} characters", expected)
    _take_scratch()


def _take_scratch() -> None:
    """Put all that this command, and what it starts, has for a moment into a folder of its own, which goes with it.

    It may name records. What commands that were killed have left is removed.
    """
    if Path(tempfile.gettempdir()).name.startswith(own := f"cdi-{os.getpid()}-"):
        return
    remove_leftovers(Path(tempfile.gettempdir()), "cdi-[0-9]*-*")
    tempfile.tempdir = tempfile.mkdtemp(prefix=own)
    # after the folders of multiprocessing (-100), whose removal fails where they are gone
    Finalize(None, shutil.rmtree, (tempfile.tempdir, True), exitpriority=-200)
    os.environ |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), tempfile.tempdir)
