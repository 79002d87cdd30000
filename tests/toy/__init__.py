"""A domain of one file, built on nothing but the declarations of graph/ and models/: the proof that
they suffice, and the example that CONTRIBUTING.md explains."""
