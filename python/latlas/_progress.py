"""Progress: bars where `verbose` asks for them, and the caller's callbacks."""

from typing import NamedTuple

import numpy as np


class Report(NamedTuple):
    """What a callback is told: the stage, steps done, steps at most, losses (NaN where there are
    none) and seconds since the stage began. A callback that returns True (NumPy's, too) ends the
    stage in good order with what it has."""

    stage: str
    step: int
    of: int
    loss: float
    val_loss: float
    seconds: float


class _Bars:
    """A bar for each stage: tqdm's, also in notebooks, or a line a tenth without tqdm."""

    def __init__(self):
        try:
            import warnings

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # tqdm is told in vain that widgets are missing
                from tqdm.auto import tqdm
            self._tqdm = tqdm
        except ImportError:
            self._tqdm = None
        self._bar, self._stage, self._tenth = None, None, -1

    def __call__(self, report):
        if self._tqdm is None:
            tenth = 10 * report.step // max(report.of, 1)
            if (report.stage, tenth) != (self._stage, self._tenth):
                self._stage, self._tenth = report.stage, tenth
                print(f"[latlas] {report.stage}: {report.step} of {report.of}{_losses(report)}",
                      flush=True)
            return
        if self._bar is None or self._stage != report.stage or report.step < self._bar.n:
            self.close(finished=True)
            self._stage = report.stage
            self._bar = self._tqdm(total=report.of, desc=report.stage)
        self._bar.total = report.of
        self._bar.update(report.step - self._bar.n)
        self._bar.set_postfix_str(_losses(report).lstrip(", "))

    def close(self, finished):
        """A stage that ended before its most steps, as fits do by their rule, is finished too."""
        if self._bar is not None:
            if finished:
                self._bar.total = self._bar.n
                self._bar.refresh()
            self._bar.close()
            self._bar = None


def _losses(report):
    text = "" if report.loss != report.loss else f", loss {report.loss:.4g}"
    return text if report.val_loss != report.val_loss else f"{text}, val_loss {report.val_loss:.4g}"


class Reporter:
    """Hands reports of the core to the bars and the callback; use as a context."""

    def __init__(self, verbose, callback):
        if callback is not None and not callable(callback):
            raise ValueError(f"callback is {callback!r}, it must be None or something callable")
        self._bars = _Bars() if verbose else None
        self._callback = callback
        self._quiet = not verbose and callback is None

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        if self._bars is not None:
            self._bars.close(finished=error is None)

    @property
    def hear(self):
        """For the core: None where nobody listens."""
        return None if self._quiet else self._hear

    def _hear(self, *numbers):
        report = Report(*numbers)
        if self._bars is not None:
            self._bars(report)
        answer = None if self._callback is None else self._callback(report)
        return isinstance(answer, (bool, np.bool_)) and bool(answer)
