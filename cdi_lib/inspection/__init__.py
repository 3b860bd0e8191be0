"""What an inspection is: what is known, what was found, how it is judged.

- ``folders``      where things are
- ``files``        how files are read, written and hashed
- ``problems``     what is wrong with an input, in words
- ``parameters``   the parameter file of a force
- ``records``      the tables of an audit, and what is wrong with them
- ``measures``     which estimates an inspection asks for
- ``judgement``    criteria, and the grades that follow from them
- ``results``      what was found: typed, unrounded, written once
- ``details``      the parts of results that are neither estimates nor counts
- ``derived``      what follows from results, so that a report need not compute
- ``published``    figures of inspections that were published elsewhere
"""
