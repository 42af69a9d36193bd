"""What a scenario stands on.

A scenario is a function with @scenario in a file t_*.py beside this directory.
It gets a Scenario and runs in a process, a directory and network, mount and
pid namespaces of its own: whatever it starts or mounts is gone with it.
"""

from .case import scenario, Failure, check, equal, \
    wait, whole_lines  # noqa: F401
from .proc import PATIENCE  # noqa: F401
