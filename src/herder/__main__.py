"""`python -m herder` is the command `herder`."""

from __future__ import annotations

import sys

from herder.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
