"""How many threads work uses."""

import os

_forked = False


def _after_fork():
    # The threads of the parent are not there in the child, but their runtime (GNU OpenMP) believes
    # they are and would wait for them forever. On one thread it needs none.
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def threads_of(n_jobs):
    """scikit-learn's n_jobs as the core wants it: 0 means as many threads as there are."""
    if _forked:
        return 1
    if n_jobs is None or n_jobs == -1:
        return 0
    if n_jobs == 0 or int(n_jobs) != n_jobs:
        raise ValueError(f"n_jobs is {n_jobs}, it must be a whole number other than 0, or None")
    return int(n_jobs) if n_jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + int(n_jobs))
