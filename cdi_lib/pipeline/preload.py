"""What the fork server imports before the first notebook: everything that notebooks use."""

import os
import signal
import sys

# Ctrl-C reaches every process of a terminal. The one that was started there tells of it and ends those forked from here.
if "multiprocessing.forkserver" in " ".join(sys.orig_argv):  # others may import this as well
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])

# jsonschema, which nbformat needs, would compile the grammar of a kind of address that no notebook holds: two seconds.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# Threads do not survive a fork: the libraries must not start any here.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
os.environ.setdefault("MPLBACKEND", "agg")

import nbformat

import cdi_lib.pipeline.build
import cdi_lib.pipeline.engine
import cdi_lib.pipeline.step
import cdi_lib.render.embedded
import cdi_lib.render.look
import cdi_lib.report.display
import cdi_lib.report.index
import cdi_lib.statistics.sampling

# What libraries and this one make only when they first need it, and what is the same for every report.
cdi_lib.render.look.style()
cdi_lib.render.embedded.version()
nbformat.validate(nbformat.v4.new_notebook())
