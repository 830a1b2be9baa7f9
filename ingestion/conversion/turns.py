"""Turns of the threads: as many of them work at once as there are cores.

Those that parse and those that encode are more than the cores, because each waits for another at times. Where all of
them work, the encoders fall behind, and at the end everybody waits for them.
"""

from __future__ import annotations

import os
from threading import Semaphore

THREADS = max(2, min(4, os.cpu_count() or 1))
"""How many threads parse or encode at once; with more the memory grows and the time hardly shrinks."""

TURNS = Semaphore(THREADS)
"""Taken by a thread for a piece of work that waits for nobody: a block that is read, a row group that is encoded."""
