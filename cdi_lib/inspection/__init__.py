"""What an inspection is: what is known, what was found, how it is judged.

- ``folders``      where things are
- ``files``        tables read as text, files written whole, hashes
- ``problems``     what is wrong with an input, in words
- ``parameters``   the parameter file of a force
- ``moments``      dates and times in the forms that forces export
- ``tables``       what the tables of an audit hold: columns and kinds of values
- ``rules``        what is wrong in a cell, a row, between rows and between tables
- ``records``      the tables of an audit: read, checked and held
- ``measures``     which estimates an inspection asks for
- ``judgement``    criteria, and the grades that follow from them
- ``results``      what was found: typed, unrounded, written once
- ``published``    figures of inspections that were published elsewhere
"""
