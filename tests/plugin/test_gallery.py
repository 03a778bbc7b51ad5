"""The gallery: what is shown, how it is chosen from, and how it fills its width."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt

from napari_style_transfer.plugin.widgets.gallery import Gallery, Thumbnail

_PICTURE = np.zeros((20, 30, 3), np.uint8)


def thumbnails(count: int) -> list[Thumbnail]:
    return [Thumbnail(f"key {n}", f"style {n}", _PICTURE) for n in range(count)]


@pytest.fixture
def gallery(qtbot: QtBot) -> Gallery:
    gallery = Gallery()
    qtbot.addWidget(gallery)
    gallery.resize(230, 100)
    gallery.show_all(thumbnails(5))
    gallery.show()
    return gallery


def test_a_click_and_the_arrow_keys_choose(gallery: Gallery, qtbot: QtBot) -> None:
    heard: list[str] = []
    gallery.chosen.connect(heard.append)
    place = gallery.visualItemRect(gallery.item(1)).center()
    qtbot.mouseClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert gallery.key() == "key 1"
    assert set(heard) == {"key 1"}
    qtbot.keyClick(gallery, Qt.Key.Key_Right)
    assert heard[-1] == gallery.key() == "key 2"
    heard.clear()
    qtbot.mouseClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert len(heard) >= 2  # to choose the same again counts, too


def test_what_is_chosen_stays_when_others_come(gallery: Gallery) -> None:
    heard: list[str] = []
    gallery.chosen.connect(heard.append)
    gallery.choose("key 3")
    gallery.show_all(thumbnails(8)[2:])
    assert gallery.key() == "key 3"
    gallery.show_all(thumbnails(2))
    assert gallery.key() == ""
    assert not heard


@pytest.mark.parametrize(("width", "columns"), [(100, 1), (230, 3), (400, 5)])
def test_the_columns_fill_the_width(gallery: Gallery, width: int, columns: int) -> None:
    gallery.show_all(thumbnails(15))
    gallery.setFixedWidth(width)
    gallery.grab()
    tops = {gallery.visualItemRect(gallery.item(n)).top() for n in range(15)}
    assert len(tops) == -(-15 // columns)
    rights = [gallery.visualItemRect(gallery.item(n)).right() for n in range(15)]
    assert max(rights) <= gallery.viewport().width()
    assert max(rights) > gallery.viewport().width() - 0.2 * width


def test_rows_that_need_no_scroll_bar_leave_no_room_for_it(gallery: Gallery) -> None:
    gallery.setFixedWidth(290)
    gallery.grab()
    tops = [gallery.visualItemRect(gallery.item(n)).top() for n in range(5)]
    assert tops.count(min(tops)) == 4
    gallery.show_all(thumbnails(6))
    gallery.grab()
    assert len({gallery.visualItemRect(gallery.item(n)).height() for n in range(6)}) == 1


def test_a_picture_of_one_pixel_is_shown(gallery: Gallery) -> None:
    gallery.show_all([Thumbnail("dot", "dot", np.full((1, 1, 3), 200, np.uint8))])
    colour = gallery.item(0).icon().pixmap(60, 60).toImage().pixelColor(30, 30)
    assert abs(colour.red() - 200) <= 8  # a screen may have few colours
