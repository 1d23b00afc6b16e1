"""What goes between a command and its tasks on a cluster.

It imports nothing, so that the actor is there at once.
"""


class Messages:
    """An actor: what tasks tell, as bytes that only the command reads, and whether they are to
    stop.
    """

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.halted = False

    def tell(self, event: bytes) -> None:
        self.told.append(event)

    def take(self) -> list[bytes]:
        taken, self.told = self.told, []
        return taken

    def halt(self) -> None:
        self.halted = True

    def must_halt(self) -> bool:
        return self.halted
