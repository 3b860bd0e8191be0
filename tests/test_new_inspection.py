"""Beginning an inspection."""

import pytest

from cdi_lib.fieldwork.begin import begin
from cdi_lib.inspection.files import read_table
from cdi_lib.inspection.parameters import load_inspection
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.programme import default_programme
from cdi_lib.inspection.rules import check_table
from cdi_lib.inspection.tables import tables_of


def test_a_new_inspection_names_what_is_to_be_filled_in(tmp_path):
    begin("testshire", tmp_path)
    with pytest.raises(InputError) as caught:
        load_inspection("testshire", tmp_path)
    problems = caught.value.problems
    assert {"force.name", "audit_period.start", "recorded_crime.other.value"} <= {p.where for p in problems}
    assert all(p.got == "nothing" for p in problems)


def test_every_optional_key_of_a_new_file_is_known_when_it_is_uncommented(tmp_path):
    begin("testshire", tmp_path)
    path = tmp_path / "testshire.yml"
    lines = path.read_text(encoding="utf-8").splitlines()
    body = [line.replace("# ", "", 1) if line.lstrip().startswith("# ") else line for line in lines[6:]]
    path.write_text("\n".join(body), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_inspection("testshire", tmp_path)
    assert not [str(problem) for problem in caught.value.problems if "unknown key" in problem.got]


def test_the_empty_tables_have_the_columns_of_their_schemas(tmp_path):
    begin("testshire", tmp_path)
    assert not (tmp_path / "testshire/over_recorded.csv").exists()  # empty, it would say that there were none
    for name in tables_of(default_programme()).keys() - {"published", "over_recorded"}:
        table = read_table(tmp_path / "testshire" / f"{name}.csv", name)
        assert list(table.columns) == list(tables_of(default_programme())[name])
        assert check_table(table, name, tables_of(default_programme())[name]) == []


def test_nothing_is_overwritten(tmp_path):
    begin("testshire", tmp_path)
    before = (tmp_path / "testshire.yml").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="nothing is overwritten"):
        begin("testshire", tmp_path)
    assert (tmp_path / "testshire.yml").read_text(encoding="utf-8") == before


def test_a_link_in_the_way_is_not_followed(tmp_path):
    params, elsewhere = tmp_path / "params", tmp_path / "elsewhere"
    params.mkdir()
    (params / "testshire").symlink_to(elsewhere)  # leads to nothing yet
    with pytest.raises(InputError, match="already there"):
        begin("testshire", params)
    assert not elsewhere.exists() and not (params / "testshire.yml").exists()


@pytest.mark.parametrize("name", ["../x", "", "a b", "Testshire", "x/../../y", "criteria", "x" * 61, "-x"])
def test_names_that_are_none_write_nothing(tmp_path, name):
    params = tmp_path / "params"
    params.mkdir()
    with pytest.raises(InputError, match="lower-case letters"):
        begin(name, params)
    assert [path.name for path in tmp_path.rglob("*")] == ["params"]


def test_a_full_disk_leaves_no_half_inspection(tmp_path, monkeypatch):
    def full(file):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            begin("testshire", tmp_path)
    assert begin("testshire", tmp_path)


def test_what_was_killed_half_way_is_finished_and_nothing_else_is(tmp_path):
    whole = {path.name: path.read_bytes() for path in begin("testshire", tmp_path)}
    (tmp_path / "testshire.yml").unlink()
    (tmp_path / "testshire" / "survey.csv").unlink()
    assert {path.name: path.read_bytes() for path in begin("testshire", tmp_path)} == whole
    (tmp_path / "testshire.yml").unlink()
    (tmp_path / "testshire" / "returned" / "one.xlsx").write_bytes(b"")
    with pytest.raises(InputError, match="already there"):
        begin("testshire", tmp_path)
