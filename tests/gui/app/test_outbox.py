"""The mailbox between the threads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sdstudio.app.outbox import Outbox
from sdstudio.domain.events import JobEvent, Preview, Progress
from sdstudio.engine.fake import fake_preview
from tests.helpers.app_fixtures import make_request

IMAGE = fake_preview(make_request(), 0)


def preview(index: int, step: int) -> Preview:
    return Preview(job_id="a", index=index, step=step, image=IMAGE, width=8, height=8)


def progress(index: int, step: int) -> Progress:
    return Progress(job_id="a", index=index, step=step, steps=99)


@given(st.lists(st.lists(st.sampled_from(["preview", "progress", "take"]), max_size=30), max_size=4))
def test_order_is_kept_and_no_first_or_last_preview_is_lost(pictures: list[list[str]]) -> None:
    outbox, sent, got = Outbox(), list[JobEvent](), list[JobEvent]()
    for index, actions in enumerate(pictures):
        for step, action in enumerate(actions):
            if action == "take":
                got += outbox.take()
                continue
            event = preview(index, step) if action == "preview" else progress(index, step)
            sent.append(event)
            outbox.put(event)
    got += outbox.take()
    assert [e for e in got if isinstance(e, Progress)] == [e for e in sent if isinstance(e, Progress)]
    for index in range(len(pictures)):
        all_sent = [e.step for e in sent if isinstance(e, Preview) and e.index == index]
        all_got = [e.step for e in got if isinstance(e, Preview) and e.index == index]
        assert all_got == sorted(all_got)
        assert all_got[:1] == all_sent[:1] and all_got[-1:] == all_sent[-1:]
    indices = [e.index for e in got if isinstance(e, Preview | Progress)]
    assert indices == sorted(indices), "nothing leaves the stretch of its own picture"


@given(st.lists(st.booleans(), max_size=50))
def test_one_notification_is_pending_at_most(actions: list[bool]) -> None:
    outbox, pending = Outbox(), False
    for put in actions:
        if put:
            notify = outbox.put(progress(0, 1))
            assert notify is not pending
            pending = True
        else:
            outbox.take()
            pending = False


def test_a_busy_window_finds_two_previews_not_thousands() -> None:
    outbox = Outbox()
    for step in range(5000):
        outbox.put(preview(0, step))
    assert outbox.take() == [preview(0, 0), preview(0, 4999)]
    outbox.put(preview(0, 5000))
    assert outbox.take() == [preview(0, 5000)]
