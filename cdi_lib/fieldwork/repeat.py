"""The draw of a force made again from its frame, and compared with what was audited."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdi_lib.fieldwork.draw import AuditFrame, read_audit_frame
from cdi_lib.fieldwork.trail import TRAILS, drawn_counts, read_trail
from cdi_lib.fieldwork.worksheet import FIRST
from cdi_lib.inspection.files import file_hash, find_table
from cdi_lib.inspection.folders import own_folder
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.records import AuditRecords
from cdi_lib.statistics import sampling


@dataclass(frozen=True)
class Repeated:
    """A draw made again: ``strata`` and ``compared`` are the results ``draw`` and ``draw_repeated``."""

    given: AuditFrame
    selection: sampling.Selection
    strata: list[dict[str, Any]]
    compared: dict[str, Any]
    trail_sha256: str | None

    def fingerprints(self) -> list[dict[str, str]]:
        """The result ``trail``: what identifies the draw."""
        found = {
            "seed": self.selection.seed,
            "rule": f"sha256(seed:id), version {sampling.ALGORITHM_VERSION}",
            "SHA-256 of the frame": self.given.frame.info.sha256,
        }
        if self.trail_sha256:
            found[f"SHA-256 of {TRAILS[FIRST]}"] = self.trail_sha256
        return [{"What": what, "Value": value} for what, value in found.items()]


def repeat_draw(force: str, inspection: Inspection, records: AuditRecords, params: Path) -> tuple[Repeated | None, str]:
    """Draw again as many incidents of each stratum as were drawn; or None, and why that cannot be."""
    drawn_of, trail = drawn_counts(force, records, params), read_trail(force, params)
    if inspection.sampling is None or drawn_of is None or find_table("frame", params / force) is None:
        return None, "there is no sampling frame with these records (or no seed, or no table of strata)"
    if trail and trail.algorithm.version != sampling.ALGORITHM_VERSION:
        return None, f"the sample was drawn by version {trail.algorithm.version} of the rule"
    given = read_audit_frame(force, inspection, params)
    in_frame = given.frame.info.counts
    if set(drawn_of) != set(in_frame) or any(n > in_frame[name] for name, n in drawn_of.items()):
        return None, "the strata of the draw are not those of the frame"
    swaps = [swap.stratum for swap in trail.replacements] if trail else []
    in_use = {name: swaps.count(name) for name in drawn_of}
    selection = sampling.draw(given.frame, drawn_of, inspection.sampling.seed, reserves=in_use)
    audited = set(records.main["incident_id"])
    found = [item.stratum for item in (*selection.records, *selection.reserves) if item.id in audited]
    strata = [
        {"stratum": name, "frame": in_frame[name], "drawn": n, "with_crimes": found.count(name)}
        for name, n in drawn_of.items()
    ]
    # Without a trail the numbers are those audited; if some could not be, more were drawn.
    compared = {
        "drawn": sum(drawn_of.values()) + len(swaps),
        "with_crimes": len(audited),
        "selected_again": len(found),
        "drawn_is_known": trail is not None or len(found) == len(audited),
    }
    sha256 = file_hash(own_folder(force, params, "sample") / TRAILS[FIRST]) if trail else None
    return Repeated(given, selection, strata, compared, sha256), ""
