"""Tells what was found, and computes nothing.

- ``wording``      rounds each number once, and says it
- ``narrative``    the paragraphs
- ``tables``       a table as data, Markdown and CSV
- ``charts``       the drawings
- ``outputs``      the index of all tables and figures
- ``display``      what notebooks show
- ``sample``       what notebook 1 shows of plan and assumptions
- ``workbook``     all tables as one workbook
- ``evidence``     the executed notebooks as pages
- ``metadata``     the report described for machines
- ``changes``      what differs between two results
"""
