"""The list of a run when the thumbnail of a large picture comes after the run has ended."""

from __future__ import annotations

from PySide6.QtGui import QImage

from sdstudio.app.gallery_model import GalleryRole
from sdstudio.app.job_item import JobItem, JobState
from sdstudio.domain.events import PictureSaved
from sdstudio.ui.run_model import RunModel
from tests.helpers.app_fixtures import make_request
from tests.helpers.editor_board import flat


def saved_picture(index: int) -> PictureSaved:
    image = flat(16, 16, (index, 2, 3, 255))
    return PictureSaved(
        job_id="one", index=index, path=f"{index}.png", image=image, request=make_request(seed=index), seconds=1.0
    )


def test_a_picture_whose_thumbnail_comes_late_stays_in_the_list(qapp: object) -> None:
    first, last = saved_picture(0), saved_picture(2)
    item = JobItem(job_id="one", request=make_request(count=3), state=JobState.RUNNING, pictures=3)
    model = RunModel()
    model.follow(item)
    model.add_saved(first)
    ended = JobItem(
        job_id="one", request=item.request, state=JobState.CANCELLED, pictures=3, saved=(first, last), done=2
    )
    model.end(ended)
    rows = [model.index(row, 0) for row in range(model.rowCount())]
    assert [index.data(GalleryRole.PATH) for index in rows] == ["0.png", "2.png"]
    assert [index.data(GalleryRole.MISSING) for index in rows] == [False, False]
    thumb = QImage(8, 8, QImage.Format.Format_RGB32)
    thumb.fill(0)
    model.add_saved(last, thumb)
    assert model.index(1, 0).data(GalleryRole.THUMBNAIL) is not None
    model.remove("2.png")
    assert [model.index(row, 0).data(GalleryRole.PATH) for row in range(model.rowCount())] == ["0.png"]
    model.add_saved(last, thumb)  # it was thrown away meanwhile
    assert model.rowCount() == 1
