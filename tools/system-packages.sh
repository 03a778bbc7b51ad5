#!/bin/sh
# Install what Qt's xcb plugin and a virtual display need on Debian and its kin; where that is not
# possible, say what is missing. Fails only when no display, real or virtual, can be had.

packages="xvfb xauth libegl1 libgl1 libdbus-1-3 libfontconfig1 libglib2.0-0 libx11-xcb1
libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0
libxcb-shape0 libxcb-sync1 libxcb-xfixes0 libxcb-xkb1 libxkbcommon-x11-0 libxkbcommon0"

[ "$(uname -s)" = Linux ] || exit 0

display() {
    [ -n "$DISPLAY$WAYLAND_DISPLAY" ] || command -v Xvfb >/dev/null 2>&1
}

if ! command -v dpkg-query >/dev/null 2>&1; then
    display && exit 0
    echo "There is no display and no Xvfb: install Xvfb with this system's package manager." >&2
    exit 1
fi

missing=
for package in $packages; do
    # Since 2024 some of these are called …t64.
    dpkg-query -W -f '${db:Status-Status}\n' "$package" "${package}t64" 2>/dev/null |
        grep -qx installed || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing$missing ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null &&
        exit 0
fi
echo "Missing for napari's window; install with: sudo apt-get install$missing" >&2
display
