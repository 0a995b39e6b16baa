#!/bin/sh
# Installs, updates and removes SD Studio silently under wine (Debian: wine64), and looks what is left.
#
#     packaging/windows/try_installer.sh dist/sdstudio-…-setup.exe
#
# Needs no screen. Exit status 0: the installer did what it should, and a person's own files stayed.
set -eu

setup=$(realpath -- "$1")
wine=${WINE:-$(command -v wine64 || command -v wine || echo /usr/lib/wine/wine64)}
server=${WINESERVER:-$(command -v wineserver || echo /usr/lib/wine/wineserver)}
WINEPREFIX=$(mktemp -d)
export WINEPREFIX WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=" DISPLAY=
key='HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\SDStudio'

finish() {
    "$server" -k 2>/dev/null || true
    rm -rf "$WINEPREFIX"
}
trap finish EXIT

fail() {
    echo "FAILED: $1" >&2
    exit 1
}

"$wine" wineboot --init >/dev/null 2>&1
# Where Windows keeps a person's own programs; the name of the user differs between machines.
local_data=$(find "$WINEPREFIX/drive_c/users" -maxdepth 3 -type d -path '*/AppData/Local' ! -path '*/Public/*' | head -n 1)
program="$local_data/Programs/SD Studio"

"$wine" "$setup" /S || fail "the first installation (exit status $?)"
[ -f "$program/sdstudio.exe" ] || fail "the program is not there"
[ -f "$program/uninstall.exe" ] || fail "there is no uninstaller"
"$wine" reg query "$key" /v DisplayVersion >/dev/null || fail "it is not in the list of programs"
[ -n "$(find "$WINEPREFIX/drive_c" -name 'SD Studio.lnk')" ] || fail "it is not in the Start menu"
"$wine" "$program/sdstudio.exe" || fail "the program does not start"
echo "installed: $(find "$program" -type f | wc -l) files"

# What a person or an older release may have left in the folder.
mkdir -p "$program/data/Pictures"
echo mine >"$program/data/Pictures/mine.png"
echo old >"$program/_internal/old-library.dll"
"$wine" "$setup" /S || fail "the update (exit status $?)"
[ ! -e "$program/_internal/old-library.dll" ] || fail "an old library is still there after the update"
[ "$(cat "$program/data/Pictures/mine.png")" = mine ] || fail "the update changed a person's file"
echo "updated: the old library is gone, the picture is there"

# The uninstaller goes on as a copy of itself, so that it can remove itself; the server ends with the last of them.
"$wine" "$program/uninstall.exe" /S || fail "the removal (exit status $?)"
"$server" -w
left=$(cd "$program" && find . -type f)
[ "$left" = "./data/Pictures/mine.png" ] || fail "left in the folder: $left"
[ -z "$(find "$WINEPREFIX/drive_c" -name 'SD Studio.lnk')" ] || fail "still in the Start menu"
if "$wine" reg query "$key" >/dev/null 2>&1; then fail "still in the list of programs"; fi
echo "removed: only the picture is left"
