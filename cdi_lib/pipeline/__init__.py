"""An inspection from its files to its published folder.

- ``audit``        read and check everything known about one force
- ``step``         what a notebook opens: the audit, and what earlier notebooks found
- ``notebooks``    run them; which cell failed
- ``publish``      a finished report takes the place of the previous one, or nothing does
- ``kept``         executed notebooks that are used again
- ``versions``     earlier versions of a final report, and what a later one corrects
- ``build``        the report of one force
- ``pages``        pages beside the reports: the comparison of forces, and the rolling programme of a force
- ``front``        the front page of all reports
- ``preview``      the report in a browser, made again when a file changes
- ``check``        what is wrong or doubtful before a report is built
- ``draft``        the copy in Word for the fact check, and what came back in it
- ``runner``       many forces, on this machine
- ``cluster``      many forces, on the machines of a Dask cluster
- ``processes``    fresh processes forked from a warm one (``preload``)
- ``engine``       the Papermill engine without a kernel
- ``fingerprint``  what a report was made from, and so whether it is up to date; the commit
- ``surroundings`` what of a user's settings must not reach a build
- ``console``      what commands print
- ``environment``  the Python environment
"""
