"""What an inspection is: what is known, what was found, how it is judged.

- ``folders``      where things are
- ``files``        tables read as text, files written whole, hashes
- ``problems``     what is wrong with an input, in words
- ``values``       the kinds of values that files may hold: text, counts, percentages, dates
- ``yaml_files``   read YAML strictly, with the line of what is wrong
- ``explain``      what is wrong with a file's content, said for people
- ``parameters``   the parameter file of a force
- ``programme``    the criteria file of a kind of inspection: elements, questions, bands, rules
- ``moments``      dates and times in the forms that forces export
- ``tables``       what the tables of an audit hold: columns and kinds of values
- ``rules``        what is wrong in a cell, a row, between rows and between tables
- ``records``      the tables of an audit: read, checked and held
- ``measures``     which estimates an inspection asks for
- ``judgement``    grades from measures by criteria
- ``judgements``   what was judged, as typed models: grades, evidence, what would have changed them
- ``results``      what was found: typed, unrounded, written once
- ``details``      the parts of results that are neither estimates nor counts
- ``derived``      what follows from results, so that a report need not compute
- ``published``    figures of inspections that were published elsewhere
"""
