"""What a reader calls the things that results know by their ids."""

from __future__ import annotations

from cdi_lib.inspection.details import Details
from cdi_lib.inspection.parameters import CRIME_TYPES

# Crime types: in a table, in a sentence, and the crimes themselves, one and many.
TYPE_LABELS = {"overall": "All crime", "violence": "Violence", "sexual": "Sexual offences", "other": "Other crime"}
CRIME_TYPE_NAMES = {name: TYPE_LABELS[name].lower() for name in CRIME_TYPES}
CRIME_NOUNS = {
    "violence": ("violent crime", "violent crimes"),
    "sexual": ("sexual offence", "sexual offences"),
    "other": ("other crime", "other crimes"),
}
CANCELLATION_LABELS = {"rape": "Rape", "sexual": "Other sexual offences", "violence": "Violence", "robbery": "Robbery"}
ROUTE_PHRASES = {
    "control_room": "through a control room",
    "crime_recording_centre": "directly to a crime-recording centre",
}
CANCELLATION_PHRASES = {name: label.lower() for name, label in CANCELLATION_LABELS.items()}
# One and many records of a dip sample.
SAMPLE_NOUNS = {
    "vulnerable_adult": ("record of vulnerable adults", "records of vulnerable adults"),
    "vulnerable_child": ("record of vulnerable children", "records of vulnerable children"),
    "third_party_email": (
        "e-mailed referral from professionals of other organisations",
        "e-mailed referrals from professionals of other organisations",
    ),
    "modern_slavery_referral": ("referral", "referrals"),
    "modern_slavery_other": ("other report of modern slavery", "other reports of modern slavery"),
}
RECORDS = {"audit": "audit records", "reconstruction": "reconstructed records", "invented": "invented records"}
INTERVAL_NAMES = {
    "normal": "normal",
    "wilson": "Wilson",
    "agresti-coull": "Agresti-Coull",
    "clopper-pearson": "Clopper-Pearson",
    "jeffreys": "Jeffreys",
    "logit": "logit",
    "korn-graubard": "Korn-Graubard",
}
CAUTIONS = {
    "n_under_30": "fewer than 30 audited crimes",
    "few_unrecorded": "few unrecorded crimes in a type with much weight: the interval may be too narrow",
    "open_ended": "the interval has no upper end",
}

# "x of n" in the rows of a table and of a figure.
WITHIN_24 = {f"within_24_{name}": TYPE_LABELS[name] for name in CRIME_TYPES}
CANCELLED = {f"cancelled_{name}": label for name, label in CANCELLATION_LABELS.items()}
REVIEWED = CANCELLED | {"victims_informed": "Victims who should have been informed, and were"}
RAPE_AND_N100 = {
    "rape": "Reports of rape recorded as rape",
    "n100_required": "Incidents that needed an N100 and had one",
    "n100_review": "Reviewed N100 records in which N100 was right",
}
OTHER_SYSTEMS = {
    "vulnerable_records": "Vulnerable adult and child records",
    "third_party": "E-mailed referrals from third parties",
    "vulnerable_victims": "All vulnerable victim crimes",
}
MODERN_SLAVERY = {
    "modern_slavery_referral": "Referrals: modern slavery crimes",
    "modern_slavery_referral_other": "Referrals: other crimes",
    "modern_slavery_other": "Other reports of modern slavery: all crimes",
    "modern_slavery": "All crimes found",
}

# Results where they stand alone: in a notebook, in a list of changes.
_ESTIMATES = {
    "overall": "All crime",
    "overall_pooled": "All crime, pooled",
    "overall_stratified": "All crime, stratified",
    **CRIME_TYPE_NAMES,
    "domestic_abuse": "Domestic abuse",
    "rape": "Rape",
    "change": "Change since the previous inspection",
}
_SHARES = {
    "dip": "Crimes of all dip samples recorded",
    "domestic_abuse": "Domestic abuse crimes recorded",
    "rape": "Reports of rape recorded",
    "n100_required": "N100 applied where it was needed",
    "n100_review": "N100 right where it was applied",
    "vulnerable_records": "Crimes in vulnerable adult and child records",
    "third_party": "Crimes in e-mailed referrals",
    "vulnerable_victims": "Crimes of vulnerable victims",
    "modern_slavery_referral": "Modern slavery crimes in referrals",
    "modern_slavery_referral_other": "Other crimes in referrals",
    "modern_slavery_other": "Crimes in other reports of modern slavery",
    "modern_slavery": "Crimes in all reports of modern slavery",
    **{f"within_24_{name}": f"Recorded within 24 hours: {name}" for name in CRIME_TYPES},
    "within_24": "Recorded within 24 hours: all crime",
    **{f"cancelled_{name}": f"Correct cancellations: {name}" for name in CANCELLATION_LABELS},
    "cancelled": "Correct cancellations: all reviewed",
    "victims_informed": "Victims informed of those who should have been",
    "equality": "Characteristics of victims routinely recorded",
}
_TALLIES = {
    "audited": "Audited crimes",
    "routes": "Audited crimes of the main sample by route",
    "domestic_abuse_audited": "Audited domestic abuse crimes",
    "domestic_abuse_recorded": "Recorded domestic abuse crimes",
    "domestic_abuse_unrecorded": "Unrecorded domestic abuse crimes",
    "domestic_abuse_unrecorded_classes": "Unrecorded domestic abuse crimes by class",
    "unrecorded_classes": "Unrecorded crimes of the main sample by class",
    "rape_not_recorded": "Unrecorded rapes by what the force had instead",
    "dip_records": "Records examined",
    "dip_records_of": "Records examined for a result",
    "survey_respondents": "Respondents",
}


def of_estimate(key: str, details: Details | None = None) -> str:
    """What the estimate with this id is; ``details`` know the year of the previous inspection."""
    if key == "previous" and details and details.previous:
        return f"Recording rate in {details.previous.year}"
    if key.startswith("unrecorded_"):
        return f"Unrecorded in a year: {of_estimate(key.removeprefix('unrecorded_'))}"
    return _ESTIMATES.get(key, _from_id(key))


def of_share(key: str, details: Details | None = None) -> str:
    """What the "x of n" with this id is; ``details`` know the statements of the survey."""
    statements = details.survey_statements if details else {}
    return statements.get(key.removeprefix("survey_")) or _SHARES.get(key, _from_id(key))


def of_tally(key: str, details: Details | None = None) -> str:
    """What the counts with this id are."""
    if key in _TALLIES:
        return _TALLIES[key]
    share = key.removesuffix("_unrecorded")
    return of_share(share, details) + ("" if share == key else ": not recorded")


def _from_id(key: str) -> str:
    return key.replace("_", " ").capitalize()
