"""The figures that this product promises, measured by one command: `python -m tests.figures`.

Every figure is a file here, and its docstring is the method. Nothing here is a test and nothing asserts a speed.
"""
