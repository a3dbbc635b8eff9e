"""How far the clock of a service differs from that of the run, as recording found out (see
`runs.recording.deriving.clocks`). Pure."""

from typing import NamedTuple

from nodes import formats

SIGNIFICANT = 3  # digits


class ClockOffset(NamedTuple):
    """Steps of `service` were moved by `moved_us`: so far behind is its clock, or ahead where it is
    negative."""

    service: str
    moved_us: int

    @property
    def sentence(self) -> str:
        direction = "behind" if self.moved_us > 0 else "ahead"
        digits = len(str(abs(self.moved_us)))
        # No more exactly than it can be known.
        amount = formats.duration(round(abs(self.moved_us), SIGNIFICANT - digits))
        return f"The clock of {formats.visible(self.service)} is about {amount} {direction}."
