"""What a new analyst meets before there is a report: each mistake told once, where it is, and by the first command."""

import pytest
import yaml
from auditors import MAPPED, frame
from forces import parameters

from cdi_lib.cli import main
from cdi_lib.fieldwork.draw import read_audit_frame
from cdi_lib.inspection.parameters import check_inspection
from cdi_lib.inspection.problems import InputError

PLAN = {"seed": 7, "expected_rate_percent": 90, "margin_points": 5, "frame": MAPPED, "incidents": {"other": 5}}


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A folder of parameters in which an inspection was begun, with a frame and nothing drawn."""
    params = tmp_path / "params"
    params.mkdir()
    monkeypatch.setenv("CDI_PARAMS", str(params))
    monkeypatch.setenv("CDI_REPORTS", str(tmp_path / "reports"))
    assert main(["new", "--force", "testshire"]) == 0
    written(params)
    frame(40).to_csv(params / "testshire" / "frame.csv", index=False)
    return params


def written(params, **columns):
    content = parameters(sampling=PLAN | {"frame": MAPPED | columns})
    (params / "testshire.yml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return check_inspection(content, "params/testshire.yml", params)


def errors(capsys, command, *options):
    main([command, "--force", "testshire", *options])
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]


def test_check_reads_the_frame_before_anything_is_drawn(begun, capsys):
    written(begun, stratum="Crime grup")
    found = errors(capsys, "check")
    assert sum("did you mean 'Crime group'" in line for line in found) == 1, found
    written(begun)
    assert not any("frame" in line for line in errors(capsys, "check"))


@pytest.mark.parametrize("titles", [[], ["Extract of June"], ["Extract", "", "of June"]])
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_rows_of_a_frame_are_those_of_the_spreadsheet(begun, titles, suffix):
    import openpyxl

    table = frame(40)
    table.loc[9, "Date/Time reported"] = "soon"
    table.loc[11, "Log No"] = table.loc[12, "Log No"] = "=000020/22"
    rows = [[title] for title in titles] + [list(table), *table.to_numpy().tolist()]
    path = begun / "testshire" / f"frame{suffix}"
    (begun / "testshire" / "frame.csv").unlink()
    if suffix == ".csv":
        path.write_text("\n".join(",".join(f'"{cell}"' for cell in row) for row in rows), encoding="utf-8")
    else:
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append([str(cell) for cell in row])
        for cells in book.active.iter_rows():
            for cell in cells:
                cell.data_type = "s"
        book.save(path)
    header = len(titles) + 1
    # The sexual offences, every fifth from the third, are left out: the row is that of the file all the same.
    asked = {
        "exclude": {"Crime group": ["SEX"]},
        "strata": {k: v for k, v in MAPPED["strata"].items() if k != "sexual"},
    }
    with pytest.raises(InputError) as caught:
        read_audit_frame("testshire", written(begun, **asked), begun)
    assert f"'soon' in row {header + 10};" in str(caught.value)
    given = read_audit_frame("testshire", written(begun, reported_at=None, **asked), begun)
    with pytest.raises(ValueError, match=rf"rows {header + 12}, {header + 21}\)"):
        given.frame.smallest("7", 5)


def test_tables_that_are_not_read_are_named(begun, capsys):
    own = begun / "testshire"
    (own / "frame.csv").rename(own / "extract.csv")
    [refused] = errors(capsys, "sample")
    assert "but params/testshire/extract.csv" in refused
    for name in ("frame.CSV", "frame.xlsb", "frame.csv.gz"):
        (own / "extract.csv").rename(own / name)
        [refused] = errors(capsys, "sample")
        assert f"but params/testshire/{name}" in refused
        (own / name).rename(own / "extract.csv")
    (own / "extract.csv").rename(begun / "frame.csv")
    [refused] = errors(capsys, "sample")
    assert "but params/frame.csv" in refused


def test_a_programme_that_there_is_not_has_a_place(begun, capsys):
    main(["new", "--force", "othershire", "--programme", "cdi-2071"])
    assert "error: PROGRAMME: got 'cdi-2071'" in capsys.readouterr().err
    assert not (begun / "othershire.yml").exists()


def test_a_day_that_there_is_not_hides_nothing(begun, capsys):
    path = begun / "testshire.yml"
    content = yaml.safe_load(path.read_text("utf-8"))
    content["sampling"]["seed"] = "x"
    content["audit_period"]["start"] = "A DAY"
    path.write_text(yaml.safe_dump(content, allow_unicode=True).replace("A DAY", "2022-13-01"), encoding="utf-8")
    found = errors(capsys, "check")
    assert len(found) == 2 and "a date that exists" in found[0] and "sampling.seed" in found[1]
