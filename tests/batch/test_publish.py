"""Publishing: readers see the old report or the new one, and a killed run leaves nothing behind."""

import pytest

from helpers.batch.publish import BEING_REPLACED, BEING_WRITTEN, publish, recover, staged


def write(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(text, encoding="utf-8")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_folder_takes_the_place_of_the_old_one(tmp_path):
    target = tmp_path / "2026-09-30-quarter"
    write(target, "old")
    (target / "left-over.csv").write_text("x", encoding="utf-8")
    with staged(target) as stage:
        write(stage, "new")
        assert (target / "index.html").read_text() == "old"
        publish(stage, target)
    assert names(target) == ["index.html"] and (target / "index.html").read_text() == "new"
    assert names(tmp_path) == [target.name]


def test_a_failure_while_writing_leaves_the_old_report_and_no_rest(tmp_path):
    target = tmp_path / "report"
    write(target, "old")
    with pytest.raises(RuntimeError), staged(target) as stage:
        write(stage, "half")
        raise RuntimeError("the notebook failed")
    assert (target / "index.html").read_text() == "old" and names(tmp_path) == ["report"]


def test_a_run_killed_between_the_two_moves_is_mended_by_the_next(tmp_path):
    target = tmp_path / "report"
    write(tmp_path / f"{BEING_REPLACED}report", "old")
    write(tmp_path / f"{BEING_WRITTEN}report-abc", "half")
    recover(target)
    assert (target / "index.html").read_text() == "old" and names(tmp_path) == ["report"]


def test_a_disk_that_refuses_brings_the_old_report_back(tmp_path, monkeypatch):
    target = tmp_path / "report"
    write(target, "old")
    with pytest.raises(OSError), staged(target) as stage:
        write(stage, "new")
        real = type(stage).rename

        def refuse(self, goal):
            if self == stage:
                raise OSError("disk full")
            return real(self, goal)

        monkeypatch.setattr(type(stage), "rename", refuse)
        publish(stage, target)
    assert (target / "index.html").read_text() == "old"
