"""How many threads work uses. (In a forked child it is one, whatever is asked for: module/host.h.)"""

import os


def threads_of(n_jobs):
    """scikit-learn's n_jobs as the core wants it: 0 means as many threads as there are."""
    if n_jobs is None or n_jobs == -1:
        return 0
    if n_jobs == 0 or int(n_jobs) != n_jobs:
        raise ValueError(f"n_jobs is {n_jobs}, it must be a whole number other than 0, or None")
    return int(n_jobs) if n_jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + int(n_jobs))
