"""Attacks on the package: damaged inputs, killed runs, mutants of the code, long runs.

``make fuzz``, ``make kills``, ``make soak`` and ``make mutants`` run them; `README.md` in this
folder says what each does and what it found. What they found is in the ordinary tests, and does
not need them.
"""
