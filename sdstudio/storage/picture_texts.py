"""The words in a picture file: PNG text chunks, EXIF comments."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from sdstudio.storage import png_chunks
from sdstudio.storage.picture_files import opened, picture_file

_EXIF_IFD = 0x8769
_COMMENT_TAGS = {0x9286: "UserComment", 0x927C: "MakerNote"}
_TEXT_TAGS = {0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0131: "Software"}
_XMP_KEY = "XML:com.adobe.xmp"
_CODES = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "shift_jis", b"\0" * 8: "utf-8"}


def read_texts(path: Path) -> dict[str, str]:
    """PNG keywords and EXIF names (`UserComment`, `MakerNote`, `Software` …) -> text. Raises UnreadableFile."""
    with picture_file(path) as file, opened(path, file) as image:
        if image.format != "PNG":
            return _exif_texts(image) | _other_texts(image)
        # Pillow would decode all pixels to look for an EXIF block behind them.
        image.info["exif"] = png_chunks.content(file, b"eXIf")
        return _exif_texts(image) | png_chunks.texts(file)


def _other_texts(image: Image.Image) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, name in (("comment", "comment"), ("xmp", _XMP_KEY)):
        value = image.info.get(key)
        if isinstance(value, bytes | str) and value and len(value) <= png_chunks.TEXT_MAX:
            found[name] = value if isinstance(value, str) else value.decode("utf-8", "replace")
    return found


def _exif_texts(image: Image.Image) -> dict[str, str]:
    try:
        main = image.getexif()
        # Fooocus writes the comment into the main folder of the EXIF block, everyone else into the Exif folder.
        tables = [dict(main.get_ifd(_EXIF_IFD)), dict(main)]
    except (SyntaxError, ValueError, KeyError, TypeError, OSError, IndexError, ZeroDivisionError):
        return {}  # A damaged EXIF block says nothing; the picture itself may be fine.
    found: dict[str, str] = {}
    for table in tables:
        for tag, name in (_COMMENT_TAGS | _TEXT_TAGS).items():
            value = table.get(tag)
            if isinstance(value, bytes | str) and value and len(value) <= png_chunks.TEXT_MAX:
                found.setdefault(name, decode_comment(value))
    return found


def decode_comment(value: bytes | str) -> str:
    """The text of an EXIF comment: eight bytes may name its code; UTF-16 comes in both byte orders, marked or not."""
    if isinstance(value, str):
        return value.strip("\0")
    code = _CODES.get(value[:8])
    body = value[8:] if code is not None else value
    if code == "utf-16":
        text = _decode_utf16(body)
    elif code in (None, "utf-8", "ascii"):
        text = _decode_utf8(body)
    else:
        text = body.decode(code or "utf-8", "replace")
    return text.strip("\0")


def _decode_utf16(body: bytes) -> str:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    # Settings are mostly ASCII (“Steps: 20”), so their zero bytes tell which half comes first.
    big_endian = body[0::2].count(0) >= body[1::2].count(0)
    return body.decode("utf-16-be" if big_endian else "utf-16-le", "replace")


def _decode_utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")
