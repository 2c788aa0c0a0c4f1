"""Where things are, and the environment in which Herder runs from this checkout."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CONTENT = Path(__file__).with_name("content")
RESULTS = Path(__file__).with_name("results")

SOURCE_ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(
        filter(None, (str(REPOSITORY / "src"), os.environ.get("PYTHONPATH")))
    ),
}
"""An installed Herder is found too, but the checkout that is measured comes first."""
