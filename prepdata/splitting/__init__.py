"""Train, validation and test sides of a file, with what belongs together on one side.

`rows` reads what is needed of every row, `ties` says which rows belong together, `assign` gives whole clusters to
sides, `manifest` remembers the sides, `proof` looks for leaks in the result, `place` keeps at it until there are none,
`run` puts it together and writes the files.
"""
