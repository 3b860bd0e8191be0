"""What of a user's surroundings must not reach a build: locale, warnings, settings and caches of libraries."""

import ctypes
import locale
import os
import signal
import sys
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.problems import InputError

LONGEST_TMPDIR = 60  # a socket's path has room for about a hundred characters, and Python adds forty


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
    if hasattr(os, "fork") and len(place := tempfile.gettempdir()) > LONGEST_TMPDIR:
        expected = f"a folder with a shorter name, of at most {LONGEST_TMPDIR} characters, such as TMPDIR=/tmp"
        raise InputError.of("TMPDIR", "", f"{len(place)} characters", expected)
