"""Tells what was found, and computes nothing.

- ``wording``      rounds each number once, and says it
- ``labels``       what a reader calls what results know by an id
- ``texts``        the words of ``reports/text``: templates, and what is wrong with them
- ``rolling``      the page of a rolling programme
- ``telling``      what a text may ask for, and the order of the sections
- ``index``        all tables and figures, with their titles
- ``sections``     what the tables and figures hold
- ``tables``       a table as data, Markdown and CSV
- ``charts``       the drawings
- ``display``      what notebooks show
- ``sample``       what notebook 1 shows of plan and assumptions
- ``workbook``     all tables as one workbook
- ``docx``         the report as a Word document, and what such a document says
- ``evidence``     the executed notebooks as pages
- ``dictionary``   what the columns of the tables and the results hold
- ``metadata``     the report described for machines
- ``changes``      what differs between two results
"""
