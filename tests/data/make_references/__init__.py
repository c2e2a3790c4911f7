"""Reference values for the probability models, to high precision, from the published formulas alone.

Nothing here imports the library: the tables are an independent oracle for it. One module per model family
says which rows are drawn, how each value is computed (by sums and integrals of positive terms wherever a closed
form would cancel) and by which other formula it is checked.
"""
