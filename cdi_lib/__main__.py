"""``python -m cdi_lib``: what the Makefile calls."""

import sys

from cdi_lib.cli import main

sys.exit(main())
