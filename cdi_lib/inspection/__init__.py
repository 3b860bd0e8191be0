"""What an inspection is: what is known, what was found, how it is judged.

- ``folders``      where things are
- ``files``        tables read as text, files written whole, hashes; ``delimited`` CSV of every dialect, ``sheets`` workbooks
- ``problems``     what is wrong with an input, in words
- ``values``       the kinds of values that files may hold, and what is wrong with a file, said for people
- ``yaml_files``   read YAML strictly, with the line of what is wrong
- ``parameters``   the parameter file of a force
- ``prose``        the texts of a parameter file that may be edited in words, and how they are put back
- ``programme``    a kind of inspection as its file says it; ``programme_checks`` what is wrong between its parts
- ``counting``     what a programme counts, in the tables of an audit
- ``disclosure``   counts that are too small to be told alone
- ``tables``       what the tables of an audit hold: columns, kinds of values, dates and times as exported
- ``rules``        what is wrong in a cell, a row, between rows and between tables
- ``records``      the tables of an audit: read, checked and held; areas that earlier inspections left open
- ``rolling``      a registrar's rolling programme of audits
- ``measures``     which estimates an inspection asks for
- ``judgement``    grades from measures by criteria
- ``results``      what was found: typed, unrounded, written once
- ``details``      the parts of results that are neither estimates nor counts, grades among them
- ``derived``      what follows from results, so that a report need not compute
- ``provenance``   where a result comes from: published, derived, computed, assumed, illustrative
- ``published``    figures of inspections that were published elsewhere
"""
