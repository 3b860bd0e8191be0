"""Every bad input gets its message: file, place, what was got, what was expected; never a traceback, never a report."""

import pytest
from bad_inputs import BAD_INPUTS, answer
from complete_force import complete_files, write_files

from cdi_lib.inspection.problems import InputError
from cdi_lib.pipeline.audit import read_audit
from cdi_lib.pipeline.build import build_report


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Folders of parameters and of reports that commands of this test use."""
    monkeypatch.setenv("CDI_PARAMS", str(tmp_path / "params"))
    monkeypatch.setenv("CDI_REPORTS", str(tmp_path / "reports"))
    return tmp_path


def test_the_complete_force_has_no_mistake(tmp_path):
    audit = read_audit("testshire", write_files(tmp_path, complete_files()))
    assert len(audit.records.main) == 28
    assert audit.records.cancellations is not None


def test_the_table_is_long_and_each_name_stands_once():
    names = [bad.name for bad in BAD_INPUTS]
    assert len(names) >= 90
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name.replace(" ", "-"))
def test_a_bad_input_gets_its_message(bad, folders):
    status, text = answer(bad, folders / "params")
    assert status in (1, 2), text
    assert any(all(words in line for words in bad.words) for line in text.splitlines()), text
    assert "Traceback" not in text
    assert str(folders / "params") not in text  # files are named as the user knows them
    assert not (folders / "reports").exists()


SOME = [bad for bad in BAD_INPUTS if bad.command[0] == "check" and bad.files and "testshire" in bad.command[1]]


@pytest.mark.parametrize("bad", SOME[::20], ids=lambda bad: bad.name.replace(" ", "-"))
def test_a_report_of_a_bad_input_is_not_begun(bad, tmp_path):
    bad.write(tmp_path / "params")
    with pytest.raises(InputError):
        build_report("testshire", "pandoc", params=tmp_path / "params", reports=tmp_path / "reports")
    assert not (tmp_path / "reports").exists()
