"""The audit itself, from the sampling frame to checked records.

- ``begin``        a new inspection: commented parameter file and empty tables
- ``draw``         the sample of a force, its re-check and reserves; the draw made again
- ``frame_file``   the file of a frame, of whatever kind
- ``trail``        the trail of a draw, read again
- ``chain``        whether frame, trail, selection and crimes still fit each other
- ``plan``         the plan beside what was audited, by crime type
- ``worksheet``    the auditors' workbook
- ``returns``      returned worksheets: read, checked, compared
- ``trace``        one record along its way
- ``collected``    what becomes of them: tables of crimes and strata, papers for the auditors
"""
