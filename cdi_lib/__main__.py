"""``python -m cdi_lib``: what the Makefile calls."""

import sys

from cdi_lib.cli import main

if __name__ == "__main__":  # a forked process imports this module again
    sys.exit(main())
