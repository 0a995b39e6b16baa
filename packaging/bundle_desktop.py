"""What a Linux desktop reads of the program: menu entry, icons, MIME types, the page of software centres."""

from __future__ import annotations

import datetime
from pathlib import Path

import bundle_icons
from bundle_tree import write

APP_ID = "sdstudio"
HERE = Path(__file__).resolve().parent
MENU_ENTRY = HERE / "linux" / "sdstudio.desktop"
METAINFO = HERE / "linux" / "sdstudio.metainfo.xml"
MIME = HERE / "linux" / "sdstudio-mime.xml"


def write_share(share: Path, version: str, epoch: int) -> None:
    """Fills a folder like /usr/share."""
    write(share / "applications" / f"{APP_ID}.desktop", MENU_ENTRY.read_text(encoding="utf-8"))
    write(share / "metainfo" / f"{APP_ID}.metainfo.xml", metainfo(version, epoch))
    write(share / "mime" / "packages" / f"{APP_ID}.xml", MIME.read_text(encoding="utf-8"))
    for size in bundle_icons.SIZES:
        path = share / "icons" / "hicolor" / f"{size}x{size}" / "apps" / f"{APP_ID}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        bundle_icons.draw_icon(size).save(path)


def metainfo(version: str, epoch: int) -> str:
    """The release that is being packed is filled in, so that nobody forgets it."""
    day = datetime.datetime.fromtimestamp(epoch, datetime.UTC).date().isoformat()
    release = f'<release version="{version}" date="{day}"/>'
    return METAINFO.read_text(encoding="utf-8").replace("<!-- release -->", release)
