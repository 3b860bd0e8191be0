"""An executed notebook in, web page and PDF out; imports nothing of what an inspection is.

- ``rendering``  the one entry, ``render``, and which engine is taken
- ``notebooks``  what an executed notebook says: front matter and Markdown, in order
- ``dialect``    the Markdown that both engines render alike; everything else is refused
- ``look``       fonts, stylesheet and page head
- ``embedded``   the engine that is always there: Pandoc and Typst
- ``quarto``     the other engine: a Quarto on this machine
- ``errors``     what can go wrong
"""
