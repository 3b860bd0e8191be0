"""The audit itself, from the sampling frame to checked records.

- ``begin``        a new inspection: commented parameter file and empty tables
- ``draw``         the sample of a force, its trail, re-check and reserves
- ``worksheet``    the auditors' workbook
- ``returns``      returned worksheets: read, checked, compared
- ``collected``    what becomes of them: tables of crimes and strata, papers for the auditors
"""
