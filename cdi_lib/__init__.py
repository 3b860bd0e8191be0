"""Crime data integrity inspections: from an audit of crime records to the published report.

One package a line; each may import those below it, and no other (kept by import-linter):

- ``cli``          the commands behind the Makefile
- ``pipeline``     an inspection from its files to its published folder: read, run the notebooks, render, publish
- ``comparison``   inspections of many forces beside each other
- ``report``       tells what was found: words, tables, charts, workbook, evidence
- ``fieldwork``    the audit itself: draw, worksheets, what auditors return
- ``render``       an executed notebook in, web page and PDF out; knows nothing of crime
- ``inspection``   what an inspection is: parameters, records, measures, judgement, results
- ``statistics``   sampling and estimation, usable alone; knows nothing of crime
"""

__version__ = "1.0.0"
