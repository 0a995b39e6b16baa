"""The table of a file's tensors, whatever its layout is."""

from __future__ import annotations

from sdstudio.storage.recognise.first_bytes import START_BYTES, stranger
from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.refusal import broken
from sdstudio.storage.recognise.safetensors_header import has_header, read_header
from sdstudio.storage.recognise.tensor_table import TensorTable
from sdstudio.storage.recognise.torch_archive import looks_like_pickle, read_torch_file
from sdstudio.storage.recognise.zip_members import is_zip

SAFETENSORS = (".safetensors", ".sft")
PICKLES = (".ckpt", ".pt", ".pth", ".bin")
SUFFIXES = (*SAFETENSORS, *PICKLES, ".gguf")


def read_table(file: OpenFile) -> TensorTable:
    """By what the file holds, which its name must agree with: other programs go by the name. Raises Refusal."""
    start = file.peek(0, START_BYTES)
    if has_header(start) and not _is_text(start[:8]):
        return read_header(file)
    other = stranger(file, start)
    if other is not None:
        raise other
    if is_zip(start) or looks_like_pickle(start):
        table = read_torch_file(file, start).table()
        if file.suffix in SAFETENSORS:
            raise broken(f"a pickle that is named {file.suffix}")
        return table
    if file.suffix in SAFETENSORS or file.size < 8:
        return read_header(file)
    raise broken("neither safetensors nor a checkpoint of torch")


def _is_text(data: bytes) -> bool:
    """A length of printable letters would be some exabytes: the file is a text."""
    return all(32 <= byte < 127 or byte in b"\t\r\n" for byte in data)
