"""Objects whose pickles test how checkpoints are read."""

from pathlib import Path

from mmengine.logging import HistoryBuffer


class Malicious:
    """Makes a file when it is unpickled without care.

    Args:
        target (Path): The file.
    """

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return Path.touch, (self.target,)


class OldHistoryBuffer:
    """Unpickles to the dict of methods in early mmengine's HistoryBuffer."""

    def __reduce__(self) -> tuple:
        return dict, ([('max', HistoryBuffer.max)],)
