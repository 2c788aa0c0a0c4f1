"""A server with too much to do is asked again: all hosts of a fleet come at the same moment.

Git servers close connections then before they ask who it is (sshd_config(5), MaxStartups), and web
servers and their proxies answer 429 or 50x. One such host would end the deployment of all.
"""

from __future__ import annotations

import random
import re
import time
from typing import Callable, Sequence, TypeVar

from ansible_collections.herder.deploy.plugins.module_utils.release_layout import DeployError

PAUSE_SECONDS = (1.0, 2.0, 4.0, 8.0)
# Source: openssh kex.c, git http.c and Python's urllib.error, the words of each
BUSY = re.compile(
    r"_exchange_identification: (?:read: )?Connection (?:closed|reset) by"
    # an ssh since 9.5 has no more words than these
    r"|Connection closed by \S+ port \d+ fatal: Could not read from remote repository"
    r"|(?:returned error:|HTTP Error) (?:429|502|503|504)\b"
    r"|Connection reset by peer|early EOF|unexpected disconnect"
)

Value = TypeVar("Value")


def patiently(work: Callable[[], Value], pause_seconds: Sequence[float] = PAUSE_SECONDS) -> Value:
    """Do the work, and again after each of these pauses while its server is busy.

    *Raises*: what the work raises, at last.
    """
    for seconds in pause_seconds:
        try:
            return work()
        except DeployError as error:
            if not BUSY.search(str(error)):
                raise
        # not all at the same moment again
        time.sleep(random.uniform(seconds / 2, seconds))
    return work()
