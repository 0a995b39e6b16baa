#!/bin/sh
# Puts SD Studio into your menu: a menu entry, icons, file types and two commands, all in your own home. Nothing is
# copied: the program stays in this folder. No root, no network.
#
#     ./install.sh               into the menu
#     ./install.sh --uninstall   out of it again; your pictures, models and settings stay
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
share=${XDG_DATA_HOME:-$HOME/.local/share}
bin=$HOME/.local/bin
entry=$share/applications/sdstudio.desktop
sizes="16 24 32 48 64 128 256 512"

refresh() {
    # Desktops that have these programs see the change at once, others at the next login.
    if command -v update-desktop-database >/dev/null; then update-desktop-database -q "$share/applications" || true; fi
    if command -v update-mime-database >/dev/null; then update-mime-database "$share/mime" >/dev/null 2>&1 || true; fi
    if command -v gtk-update-icon-cache >/dev/null; then gtk-update-icon-cache -q -t "$share/icons/hicolor" 2>/dev/null || true; fi
}

# A menu entry's own quoting: first of the argument (backslash, quote, dollar, backtick; % doubled), then of the value.
quoted() {
    printf '%s' "$1" | sed -e 's/[\\"$`]/\\&/g' -e 's/%/%%/g' -e 's/\\/\\\\/g'
}

remove() {
    rm -f "$entry" "$share/mime/packages/sdstudio.xml" "$share/metainfo/sdstudio.metainfo.xml"
    for size in $sizes; do rm -f "$share/icons/hicolor/${size}x${size}/apps/sdstudio.png"; done
    for name in sdstudio sdstudio-cli; do
        # Only links, and only to a folder of ours: a file of the same name is somebody else's.
        if [ -L "$bin/$name" ]; then
            case $(readlink "$bin/$name") in */"$name") rm -f "$bin/$name" ;; esac
        fi
    done
}

case ${1:-} in
    --uninstall)
        remove
        refresh
        echo "SD Studio is out of the menu. The program itself is in this folder, which you may delete:"
        echo "  $here"
        echo "Your pictures, models and settings are elsewhere and stay."
        ;;
    "")
        if [ ! -x "$here/sdstudio" ]; then
            echo "install.sh: $here/sdstudio is not there. Unpack the archive anew and start the install.sh in it." >&2
            exit 1
        fi
        remove
        mkdir -p "$share/applications" "$share/mime/packages" "$share/metainfo" "$bin"
        program=$(quoted "$here/sdstudio")
        # awk and not sed: the path may hold any character that sed would read as its own.
        PROGRAM=$program awk '/^Exec=/ { print "Exec=\"" ENVIRON["PROGRAM"] "\" %F"; next } { print }' \
            "$here/share/applications/sdstudio.desktop" > "$entry"
        cp "$here/share/mime/packages/sdstudio.xml" "$share/mime/packages/"
        cp "$here/share/metainfo/sdstudio.metainfo.xml" "$share/metainfo/"
        for size in $sizes; do
            mkdir -p "$share/icons/hicolor/${size}x${size}/apps"
            cp "$here/share/icons/hicolor/${size}x${size}/apps/sdstudio.png" "$share/icons/hicolor/${size}x${size}/apps/"
        done
        for name in sdstudio sdstudio-cli; do
            if [ ! -e "$bin/$name" ]; then ln -sf "$here/$name" "$bin/$name"; fi
        done
        refresh
        echo "SD Studio is in your menu. To take it out again: ./install.sh --uninstall"
        ;;
    *)
        echo "usage: ./install.sh [--uninstall]" >&2
        exit 2
        ;;
esac
