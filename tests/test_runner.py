"""Many forces: nothing twice, failures that stop no other force, one build at a time, kills, a cluster."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from forces import parameters, write_force

from cdi_lib.cli import main
from cdi_lib.inspection.folders import PARAMS_VARIABLE, PROJECT, REPORTS_VARIABLE, remove_leftovers
from cdi_lib.pipeline import cluster, fingerprint, processes, publish, runner
from cdi_lib.pipeline.notebooks import STEPS, BuildError
from cdi_lib.render import rendering

FORCES = ("ashford", "bexhill", "corby")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Three invented forces, built once; tests copy the folders."""
    folder = tmp_path_factory.mktemp("built")
    for force in FORCES:
        write_force(folder / "params", force)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PARAMS_VARIABLE, str(folder / "params"))
        patch.setenv(REPORTS_VARIABLE, str(folder / "reports"))
        steps = []
        on_step = lambda force, step, text: steps.append((force, step))
        outcomes = runner.build_all(FORCES, renderer="pandoc", jobs=2, on_step=on_step)
    assert [outcome.status for outcome in outcomes] == ["built"] * 3, outcomes
    assert sorted(steps) == [(force, step) for force in FORCES for step in range(1, STEPS + 1)]
    return folder


@pytest.fixture
def folder(built, tmp_path, monkeypatch):
    """A copy of the built forces that a test may change."""
    shutil.copytree(built, tmp_path / "copy")
    monkeypatch.setenv(PARAMS_VARIABLE, str(tmp_path / "copy" / "params"))
    monkeypatch.setenv(REPORTS_VARIABLE, str(tmp_path / "copy" / "reports"))
    return tmp_path / "copy"


def statuses(forces=FORCES, **options):
    return [outcome.status for outcome in runner.build_all(forces, renderer="pandoc", **options)]


def audited_crimes(folder, force):
    results = json.loads((folder / "reports" / force / "results.json").read_text())
    return results["estimates"]["overall"]["n"]


def leftovers(folder):
    return sorted(path.name for path in (folder / "reports").glob(".*"))


def test_what_is_up_to_date_is_not_built_and_what_changed_is(folder):
    assert statuses() == ["unchanged"] * 3
    crimes = folder / "params" / "bexhill" / "crimes.csv"
    audited = audited_crimes(folder, "bexhill")
    crimes.write_text("".join(crimes.read_text().splitlines(keepends=True)[:-1]))
    (folder / "reports" / "corby" / "report.pdf").unlink()
    assert runner.why("ashford", "pandoc") == []
    assert runner.why("bexhill", "pandoc") == ["params/bexhill/crimes.csv: changed"]
    assert runner.why("corby", "pandoc") == ["corby/report.pdf: removed"]
    assert runner.why("ashford", "quarto")[0].startswith("renderer: ")
    assert statuses() == ["unchanged", "built", "built"]
    assert audited_crimes(folder, "bexhill") == audited - 1
    assert statuses() == ["unchanged"] * 3
    assert leftovers(folder) == []


def test_a_changed_look_renders_the_same_notebooks_again(folder):
    report = folder / "reports" / "ashford"
    record = json.loads((report / fingerprint.NAME).read_text())
    record["inputs"]["reports/report.css"] = "another one"
    (report / fingerprint.NAME).write_text(json.dumps(record))
    before = {name: fingerprint.file_hash(report / name) for name in ("index.html", "results.json")}
    assert runner.why("ashford", "pandoc") == ["reports/report.css: changed"]
    assert statuses() == ["rendered again", "unchanged", "unchanged"]
    assert before == {name: fingerprint.file_hash(report / name) for name in before}


def test_a_front_page_that_a_killed_build_has_left_behind_is_made_again(folder, capsys):
    from cdi_lib.cli import main

    front = folder / "reports" / "index.html"
    main(["report", "--force=ashford", "--renderer=pandoc"])
    for leave in (front.unlink, lambda: os.utime(front, (0, 0))):
        leave()
        assert main(["report", "--force=ashford", "--renderer=pandoc"]) == 0
        assert "up to date" in capsys.readouterr().out and front.stat().st_mtime > 0


def test_one_force_that_fails_stops_no_other(folder, capsys):
    (folder / "params" / "bexhill.yml").write_text("schema_version: 1\n")
    (folder / "params" / "corby.yml").write_text((folder / "params" / "corby.yml").read_text() + "# changed\n")
    assert statuses() == ["unchanged", "failed", "built"]
    assert main(["report", "--force", "bexhill", "--renderer", "pandoc", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == 1
    assert {problem["file"] for problem in told["problems"]} == {"params/bexhill.yml"}
    assert (folder / "reports" / "bexhill" / "index.html").is_file()  # the last good one


def test_what_is_doubtful_is_told_with_one_report_and_named_with_many(folder, capsys):
    (folder / "params" / "bexhill" / "extract.csv").write_text("a,b\n1,2\n")
    assert main(["report", "--force", "bexhill", "--renderer", "pandoc"]) == 0
    assert "extract.csv: got a file that is not read" in capsys.readouterr().err
    (folder / "params" / "bexhill" / "extract.csv").write_text("a,b\n1,3\n")
    main(["reports", "--renderer", "pandoc"])  # which cannot compare forces of one name
    said = capsys.readouterr()
    assert "with warnings, which make check FORCE=name tells: bexhill" in said.out and "warning" not in said.err


def test_a_force_that_is_being_built_is_not_built_by_another(folder):
    with (folder / "reports" / ".ashford-lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        [outcome] = runner.build_all(["ashford"], renderer="pandoc", again=True)
    assert outcome.status == "failed"
    assert "another build of this force is under way" in outcome.message
    assert statuses(["ashford"], again=True) == ["built"]
    assert leftovers(folder) == []


@pytest.mark.parametrize(
    ("commit", "told"),
    [
        ("abc" + fingerprint.UNCOMMITTED, "uncommitted changes"),
        (fingerprint.UNKNOWN + " (git: dubious ownership)", "unknown (git: dubious ownership)"),
    ],
)
def test_a_final_audit_needs_a_known_commit_or_a_reason(folder, monkeypatch, commit, told):
    content = parameters(
        records={"status": "audit"},
        publication={"title": "T", "date": "2022-09-01", "status": "final", "contact": {"name": "A", "address": "B"}},
    )
    write_force(folder / "params", "ashford", content)
    monkeypatch.setenv(fingerprint.COMMIT_VARIABLE, commit)
    fingerprint.commit.cache_clear()
    [outcome] = runner.build_all(["ashford"], renderer="pandoc")
    assert told in outcome.problems[0].got
    content["publication"]["final_despite"] = "The change is in a chart only"
    write_force(folder / "params", "ashford", content)
    [outcome] = runner.build_all(["ashford"], renderer="pandoc")
    fingerprint.commit.cache_clear()
    assert outcome.status == "built"
    page = (folder / "reports" / "ashford" / "index.html").read_text()
    assert "The change is in a chart only" in page and commit in page


def fine():
    return "fine"


def die():
    os._exit(3)


def test_a_process_that_dies_takes_no_other_with_it():
    with processes.ForkExecutor(2, timeout=60) as pool:
        futures = [pool.submit(function) for function in (fine, die, fine)]
        assert [futures[0].result(), futures[2].result()] == ["fine", "fine"]
        # 255: its fork server was too busy to learn the status
        with pytest.raises(RuntimeError, match="exit status (3|255)"):
            futures[1].result()


def test_what_a_dead_process_has_left_is_removed_also_while_nobody_has_taken_notice_of_its_end(tmp_path):
    with subprocess.Popen(["sleep", "60"]) as process:
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the list of processes
        for number in (process.pid, os.getpid()):
            (tmp_path / f".ashford-building-{number}-x").mkdir()
        remove_leftovers(tmp_path, ".*-building-*")
    assert [path.name for path in tmp_path.iterdir()] == [f".ashford-building-{os.getpid()}-x"]


def kill_builds(folder, times, seed=1):
    """Kill builds of ashford after random times; every one must leave a whole report. Used by tests/stress.py too."""
    import random

    delays = random.Random(seed)
    whole = set(fingerprint.outputs(folder / "reports" / "ashford"))
    command = [sys.executable, "-m", "cdi_lib", "report", "--force=ashford", "--renderer=pandoc", "--again", "-q"]
    for _ in range(times):
        process = subprocess.Popen(command, cwd=PROJECT, start_new_session=True)
        time.sleep(delays.uniform(0.5, 9))
        process.send_signal(signal.SIGKILL)
        process.wait()
        report = folder / "reports" / "ashford"
        record = json.loads((report / fingerprint.NAME).read_text())
        assert fingerprint.outputs(report) == record["outputs"]
        assert set(record["outputs"]) == whole
    time.sleep(1)
    assert subprocess.call(command, cwd=PROJECT) == 0
    assert leftovers(folder) == []


@pytest.mark.stress
@pytest.mark.parametrize("moment", ["imports", "build"])
def test_ctrl_c_ends_all_processes_and_leaves_nothing_half_written(folder, moment):
    before = fingerprint.outputs(folder / "reports" / "ashford")
    command = [sys.executable, "-m", "cdi_lib", "reports", "--renderer=pandoc", "--again", "-q"]
    process = subprocess.Popen(command, cwd=PROJECT, start_new_session=True, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    end = time.monotonic() + 60
    while moment == "build" and not [name for name in leftovers(folder) if "-building-" in name]:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process gets it
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "stopped" in told and "Traceback" not in told
    assert [name for name in leftovers(folder) if "-building-" in name] == []
    assert fingerprint.outputs(folder / "reports" / "ashford") == before


@pytest.mark.stress
def test_a_killed_build_leaves_a_whole_report_and_the_next_one_works(folder):
    kill_builds(folder, times=1)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_folder_is_told_and_the_report_stays(folder):
    (folder / "reports").chmod(0o500)
    try:
        [outcome] = runner.build_all(["ashford"], renderer="pandoc", again=True)
    finally:
        (folder / "reports").chmod(0o700)
    assert "Permission denied" in outcome.message
    assert (folder / "reports" / "ashford" / "index.html").is_file()


def test_a_full_disk_is_told_and_the_report_stays(folder, monkeypatch):

    def full(*arguments, **named):
        raise OSError(28, "No space left on device", "tables")

    monkeypatch.setattr(rendering, "render", full)
    before = fingerprint.outputs(folder / "reports" / "ashford")
    outcome = runner.build_here("ashford", folder / "params", folder / "reports", "pandoc", "", False)
    assert outcome.status == "failed"
    assert "No space left on device" in outcome.message
    assert fingerprint.outputs(folder / "reports" / "ashford") == before


@pytest.mark.stress
def test_a_cluster_that_loses_a_worker_loses_no_report(folder, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="pip install distributed to test the cluster")
    forces = FORCES[:2]
    for force in forces:
        shutil.rmtree(folder / "reports" / force)
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(folder / "dask")
    )
    with cluster:
        published = []
        original = publish.publish
        counted = lambda staging, target: published.append(target.name) or original(staging, target)
        monkeypatch.setattr(publish, "publish", counted)
        victim = next(iter(cluster.workers.values()))
        killer = threading.Timer(2.5, os.kill, (victim.pid, signal.SIGKILL))
        killer.start()
        outcomes = runner.build_all(forces, renderer="pandoc", scheduler=cluster.scheduler_address)
        killer.join()
    assert [outcome.status for outcome in outcomes] == ["built"] * 2, outcomes
    assert sorted(published) == sorted(forces)
    assert statuses() == ["unchanged"] * 3


def test_a_scheduler_that_is_not_there_is_told(folder, capsys, monkeypatch):
    (folder / "params" / "corby.yml").write_text((folder / "params" / "corby.yml").read_text() + "# changed\n")
    monkeypatch.setattr(cluster, "SCHEDULER_SECONDS", 1)
    assert main(["reports", "--scheduler", "tcp://127.0.0.1:1"]) == 1
    assert "SCHEDULER" in capsys.readouterr().err


def test_a_front_page_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("CDI_REPORTS", str(tmp_path))
    assert runner.write_front(changed=False) == tmp_path / "index.html"  # there was none
    made = (tmp_path / "index.html").stat().st_mtime_ns
    assert runner.write_front(changed=False).stat().st_mtime_ns == made  # and it lists all that is there
    (tmp_path / "index.html").unlink()
    (tmp_path / "index.html").mkdir()
    with pytest.raises(BuildError, match="the page of all reports was not written"):
        runner.write_front(changed=True)
