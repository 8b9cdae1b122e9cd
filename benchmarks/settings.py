"""How large a run is."""

import sys
import time
from typing import Any, NamedTuple

QUICK_SHARE = 40  # of the events of a full run, that a quick one takes


class Settings(NamedTuple):
    """Sizes of one run: a full one is measured, a quick one shows that everything still runs and comes out right."""

    quick: bool = False

    @property
    def rounds(self) -> int:
        """How often everything is measured, in turn; results are medians."""
        return 1 if self.quick else 3

    def events(self, full: int) -> int:
        """Return how many surveys make so many events (about 7 for 4), or a fraction of them."""
        return full * 4 // 7 // (QUICK_SHARE if self.quick else 1)

    def employees(self, full: int) -> int:
        """Return how many employees, for a quick run less."""
        return max(20, full // 10) if self.quick else full

    def choose(self, full: Any, quick: Any) -> Any:
        """Return one of two values."""
        return quick if self.quick else full

    def say(self, text: str) -> None:
        """Tell a person how far it is."""
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
