-- What Quarto says to somebody who renders a built report by hand, before it writes anything.
io.stderr:write([[
A built report stays as it is: nothing was rendered.
`make report FORCE=<force>` makes it again; `quarto render notebooks/report.ipynb`, in the folder of the project, makes page
and PDF of the notebook as it was last run, beside it.
]])
os.exit(1)
