"""How much work the pickles of one file may take, so that none keeps a computer busy for longer than half a second."""

from __future__ import annotations

from sdstudio.storage.recognise.refusal import unsafe

OPCODES_MAX = 400_000
"""Those that take long count twice. A checkpoint of SDXL with its EMA has some 230,000; but most of its tensors are
taken many at once, and then do not count."""
TENSORS_MAX = 40_000
"""Taken many at once; further ones are followed step by step, and those are counted too. The largest training states
(SDXL with its EMA and the two averages and the step count of its optimiser) have some 13,000."""
KINDS_MAX = 5000
"""Of tensors that differ in more than their names; SDXL has 200. Those of further ones are followed step by step."""
ODD_TEXT_BYTES_MAX = 2**16
"""Texts that are no proper UTF-8: names of files from disks of other systems. Each odd letter takes as long as a
thousand others."""


class Budget:
    """What is left."""

    def __init__(self) -> None:
        self.steps = OPCODES_MAX
        self.tensors = TENSORS_MAX
        self.kinds = KINDS_MAX
        self._odd_bytes = ODD_TEXT_BYTES_MAX

    def letters(self, data: bytes) -> str:
        """Of UTF-8, in which single halves of surrogate pairs may stand, as Python writes them. Raises Refusal,
        UnicodeDecodeError."""
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            self._odd_bytes -= len(data)
            if self._odd_bytes < 0:
                raise unsafe("its pickle has too many texts of odd letters") from None
            return data.decode("utf-8", "surrogatepass")
