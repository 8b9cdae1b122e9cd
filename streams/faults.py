"""What a person can set right: errors that end a command with a sentence for each fault, never with a traceback."""

from collections.abc import Mapping
from typing import ClassVar


class Fault(Exception):  # noqa: N818 - the base of errors that say what they are
    """Something is at fault; ``sentences`` say what and where, ``status`` is what the command exits with."""

    status: ClassVar[int] = 1

    def __init__(self, *sentences: str) -> None:
        super().__init__("; ".join(sentences))
        self.sentences = sentences
        self.fields: Mapping[str, object] = {}  # for logs: where it is, such as topic and partition
