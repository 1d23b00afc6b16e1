"""Messages between a command and its tasks on a cluster.

It imports nothing, so that the actor is there at once.
"""


class Messages:
    """An actor that keeps events of tasks, as bytes for the command, and the wish to stop."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.halted = False

    def tell(self, event: bytes) -> None:
        self.events.append(event)

    def take(self) -> list[bytes]:
        events, self.events = self.events, []
        return events

    def halt(self) -> None:
        self.halted = True

    def must_halt(self) -> bool:
        return self.halted
